"""Plays take the attributes that held when they started, and nothing later moves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from tests.builders import DAY, Event, at, event
from tests.features.dimensions.builders import CONFIG, SONGS, USERS, Statement, empty_table, statements_frame
from tests.features.dimensions.test_history import few, says
from uae_model.features.dimensions import distinct_statements, relevant_digests, versions_of, with_attributes
from uae_model.features.dimensions.as_of import read_dimensions

FIRST = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)


def plays_of(spark: SparkSession, events: Sequence[Event]) -> DataFrame:
    """Return plays, all of sessions begun on the first day."""
    rows = [(e.event_id, e.user_id, e.song_id, e.played_at, DAY) for e in events]
    return spark.createDataFrame(
        rows, "event_id string, user_id string, song_id string, played_at timestamp, dt date"
    )


def tables_of(
    spark: SparkSession, songs: Sequence[Statement], plans: Sequence[tuple[str, datetime, str]] = ()
) -> dict[str, DataFrame]:
    users = spark.createDataFrame(list(plans), "user_id string, valid_from timestamp, plan string")
    return {
        "songs": versions_of(distinct_statements(statements_frame(spark, songs), SONGS), SONGS),
        "users": versions_of(users, USERS) if plans else empty_table(spark, USERS),
    }


def attributes(spark: SparkSession, events: Sequence[Event], tables: dict[str, DataFrame]) -> dict[str, Any]:
    plays = plays_of(spark, events)
    rows = with_attributes(plays, tables, DAY, CONFIG, len(events)).collect()
    assert sorted(row["event_id"] for row in rows) == sorted(e.event_id for e in events)
    return {row["event_id"]: (row["song_genre"], row["song_year"], row["user_plan"]) for row in rows}


def test_a_play_takes_the_row_that_holds_at_its_start(spark: SparkSession) -> None:
    tables = tables_of(
        spark,
        [says("04 00:00", "rock"), says("10:00", "jazz", 1991.0), says("07 00:00", "pop")],
        [("u1", at("09:30"), "free")],
    )
    events = [
        event("before the change", "09:59:59"),
        event("at the change", "10:00"),  # valid_from is included, valid_to is not
        event("past midnight", "06 05:59"),  # of a session begun the day before
        event("another user", "09:00", user_id="u2"),
    ]
    assert attributes(spark, events, tables) == {
        "before the change": ("rock", 1990.0, "free"),
        "at the change": ("jazz", 1991.0, "free"),
        "past midnight": ("jazz", 1991.0, "free"),
        "another user": ("rock", 1990.0, None),
    }


def test_an_unknown_entity_and_a_play_before_the_first_row_are_null_and_stay(spark: SparkSession) -> None:
    tables = tables_of(spark, [says("10:00", "jazz")])
    events = [event("too early", "09:00"), event("unknown", "11:00", song_id="s9"), event("known", "11:00")]
    assert attributes(spark, events, tables) == {
        "too early": (None, None, None),
        "unknown": (None, None, None),
        "known": ("jazz", 1990.0, None),
    }


def test_a_hot_song_with_many_versions_doubles_no_play(spark: SparkSession) -> None:
    changes = [Statement("s1", FIRST + timedelta(minutes=m), f"genre {m}", None) for m in range(0, 600, 10)]
    events = [event(f"e{m}", f"{m // 60:02d}:{m % 60:02d}") for m in range(5, 600, 7)]
    values = attributes(spark, events, tables_of(spark, changes))
    for play in events:
        minute = int((play.played_at - FIRST) / timedelta(minutes=1))
        assert values[play.event_id][0] == f"genre {minute - minute % 10}"


def test_only_dimensions_that_a_feature_reads_are_joined() -> None:
    assert [dimension.table for dimension, _ in read_dimensions(CONFIG)] == ["songs", "users"]
    none = CONFIG.with_features(CONFIG.features[:1])
    assert read_dimensions(none) == []


@few
@given(seed=st.integers(0, 2**32 - 1))
def test_a_row_from_a_moment_after_a_plays_start_never_moves_it(spark: SparkSession, seed: int) -> None:
    random = Random(seed)

    def moment() -> datetime:
        return FIRST + timedelta(minutes=random.randrange(-600, 1500))

    def statement(song: str, when: datetime) -> Statement:
        return Statement(song, when, random.choice([None, "rock", "jazz", "pop"]), random.choice([None, 1.0]))

    songs = [f"s{number}" for number in range(60)]
    events = [
        replace(event(f"{song}-{place}", "00:00"), song_id=song, played_at=abs_start)
        for song in songs
        for place in range(3)
        for abs_start in [max(FIRST, moment())]
    ]
    before = [statement(song, moment()) for song in songs for _ in range(random.randint(0, 4))]
    turn = {song: random.choice([e.played_at for e in events if e.song_id == song]) for song in songs}
    later = [
        statement(song, turn[song] + timedelta(microseconds=random.choice([1, 10**6, 10**9])))
        for song in songs
        for _ in range(2)
    ]
    old, new = (attributes(spark, events, tables_of(spark, rows)) for rows in (before, [*before, *later]))
    untouched = {e.event_id for e in events if e.played_at <= turn[e.song_id]}
    assert len(untouched) >= len(songs)
    assert {key: old[key] for key in untouched} == {key: new[key] for key in untouched}
    assert old != new
    # The reference: the last statement that is not later than the play.
    for play in events:
        mine = [s for s in before if s.song_id == play.song_id and s.valid_from <= play.played_at]
        times = [s.valid_from for s in mine]
        if times and times.count(max(times)) == 1:
            last = max(mine, key=lambda s: s.valid_from)
            assert old[play.event_id][:2] == (last.genre, last.year)
        elif not times:
            assert old[play.event_id] == (None, None, None)


@pytest.mark.parametrize(
    ("row", "moves"),
    [
        (says("10:30", "blues"), True),  # between the first and the last play
        (says("08:00", "blues"), True),  # holds at the first play
        (says("12:00", "blues"), True),  # at the last play
        (says("12:00:01", "blues"), False),  # only after it
        (says("04 00:00", "blues"), False),  # over before the first play
        (says("10:30", "blues", song="s2"), False),  # not in play
        (says("09:30", "rock"), False),  # says the same again
    ],
)
def test_a_row_moves_the_days_digest_only_if_a_play_may_read_it(
    spark: SparkSession, row: Statement, moves: bool
) -> None:
    known = [says("04 12:00", "folk"), says("07:00", "rock")]
    plays = plays_of(spark, [event("a", "10:00"), event("b", "12:00")])
    before, after = (
        relevant_digests(plays, tables_of(spark, rows), [DAY], CONFIG)[DAY] for rows in (known, [*known, row])
    )
    assert (before != after) == moves


def test_a_day_without_plays_has_a_digest_too(spark: SparkSession) -> None:
    digests = relevant_digests(plays_of(spark, []), tables_of(spark, [says("08:00", "a")]), [DAY], CONFIG)
    assert digests == {DAY: "songs(genre,year)=0 users(plan)=0"}
