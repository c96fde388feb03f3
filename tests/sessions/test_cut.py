"""Sessions by the rules, against a sequential reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from tests.builders import DAY, Event, ReferencePlay, at, event, events_frame, reference_sessions
from uae_model.config import Config
from uae_model.lake import contract_for
from uae_model.sessions.cut import (
    bots_of_day,
    closing_time,
    events_of_day,
    lookback_days,
    open_sessions,
    plays_of_day,
)


def build_days(
    spark: SparkSession, events: Sequence[Event], days: Sequence[date], config: Config
) -> DataFrame:
    """Build days in order, each seeing only what a night sees: its events and the plays before."""
    empty = spark.createDataFrame([], contract_for("plays", config).schema)
    plays = empty
    for day in days:
        visible = [item for item in events if item.played_at < closing_time(day, config)]
        frame = events_of_day(events_frame(spark, visible, config), day, config)
        before = plays.where(plays["dt"].isin(lookback_days(day, config)))
        built = plays_of_day(
            frame, open_sessions(before, day, config), bots_of_day(frame, day, config), day, config
        )
        plays = plays.unionByName(built).localCheckpoint()
    return plays


def as_reference(plays: DataFrame) -> dict[str, ReferencePlay]:
    rows = plays.select("event_id", "session_started_at", "position").collect()
    return {
        row["event_id"]: ReferencePlay(
            row["event_id"], row["session_started_at"].astimezone(UTC), row["position"]
        )
        for row in rows
    }


def test_gap_is_measured_from_the_end_of_the_previous_play(spark: SparkSession, config: Config) -> None:
    events = [
        event("a", "10:00", played_ms=20 * 60_000),
        event("b", "10:45"),  # 45 minutes after the start, 25 after the end: same session
        event("c", "11:19"),  # 31 minutes after the end of b
    ]
    plays = as_reference(build_days(spark, events, [DAY], config))
    assert plays["a"].position == 1
    assert plays["b"] == ReferencePlay("b", at("10:00"), 2)
    assert plays["c"] == ReferencePlay("c", at("11:19"), 1)


def test_the_gap_counts_from_the_latest_end_so_far(spark: SparkSession, config: Config) -> None:
    events = [
        event("long", "10:00", played_ms=60 * 60_000),
        event("short", "10:05", played_ms=60_000),
        event("after", "11:05"),  # five minutes after the music of the first play ended
        event("night", "05 23:00", played_ms=80 * 60_000),  # until 00:20 of the next day
        event("short at night", "05 23:10", played_ms=0),
        event("goes on", "06 00:40"),
        event("another", "06 01:30"),
    ]
    plays = as_reference(build_days(spark, events, [DAY, DAY + timedelta(days=1)], config))
    assert plays["after"] == ReferencePlay("after", at("10:00"), 3)
    assert plays["goes on"] == ReferencePlay("goes on", at("05 23:00"), 3)
    assert plays["another"] == ReferencePlay("another", at("06 01:30"), 1)
    assert plays == reference_sessions(events, config)


def test_a_pause_of_exactly_the_gap_does_not_end_the_session(spark: SparkSession, config: Config) -> None:
    events = [event("a", "10:00", played_ms=0), event("b", "10:30"), event("c", "11:03:01")]
    plays = as_reference(build_days(spark, events, [DAY], config))
    assert plays["b"].session_started_at == at("10:00")
    assert plays["c"].session_started_at == at("11:03:01")


def test_a_session_over_midnight_belongs_to_its_start_and_exists_once(
    spark: SparkSession, config: Config
) -> None:
    events = [event("a", "05 23:50"), event("b", "06 00:10"), event("c", "06 00:20"), event("d", "06 09:00")]
    plays = build_days(spark, events, [DAY, DAY + timedelta(days=1)], config)
    days = {row["event_id"]: row["dt"] for row in plays.select("event_id", "dt").collect()}
    assert days == {"a": DAY, "b": DAY, "c": DAY, "d": DAY + timedelta(days=1)}
    assert as_reference(plays)["c"].position == 3


def test_an_unbroken_run_is_cut_at_the_maximal_length(
    spark: SparkSession, make_config: Callable[..., Config]
) -> None:
    config = make_config("sessions.max_hours=1")
    events = [event(f"e{i:02d}", f"{10 + i // 6}:{i % 6}0") for i in range(15)]  # every ten minutes
    plays = as_reference(build_days(spark, events, [DAY], config))
    assert plays["e05"] == ReferencePlay("e05", at("10:00"), 6)
    assert plays["e06"] == ReferencePlay("e06", at("11:00"), 1)
    assert plays["e14"] == ReferencePlay("e14", at("12:00"), 3)


def test_a_run_longer_than_a_day_keeps_its_cuts_from_day_to_day(
    spark: SparkSession, make_config: Callable[..., Config]
) -> None:
    config = make_config("sessions.max_hours=5")
    start = at("05 13:07")
    events = [
        Event(f"e{i:03d}", start + timedelta(minutes=25 * i), played_ms=60_000) for i in range(120)
    ]  # fifty hours without a pause
    days = [DAY + timedelta(days=offset) for offset in range(3)]
    plays = as_reference(build_days(spark, events, days, config))
    assert plays == reference_sessions(events, config)
    starts = sorted({play.session_started_at for play in plays.values()})
    assert {later - earlier for earlier, later in pairwise(starts)} == {timedelta(hours=5)}


def test_bots_are_left_out_on_their_day_only(spark: SparkSession, make_config: Callable[..., Config]) -> None:
    config = make_config("sessions.max_plays_per_user_day=3")
    bot = [event(f"b{i}", f"06 0{i}:00", user_id="bot") for i in range(4)]
    events = [
        event("x", "05 10:00", user_id="bot"),
        *bot,
        event("y", "06 10:00"),
        event("z", "07 10:00", user_id="bot"),
    ]
    days = [DAY + timedelta(days=offset) for offset in range(3)]
    plays = as_reference(build_days(spark, events, days, config))
    assert sorted(plays) == ["x", "y", "z"]
    assert plays == reference_sessions(events, config)


def test_session_features_see_only_what_came_before(spark: SparkSession, config: Config) -> None:
    events = [event("a", "10:00", played_ms=120_000), event("b", "10:05"), event("c", "10:06")]
    rows = build_days(spark, events, [DAY], config).orderBy("position").collect()
    assert [row["play_rank"] for row in rows] == [1, 2, 3]
    assert [row["gap_seconds"] for row in rows] == [0.0, 180.0, 0.0]  # c overlaps b: no negative gap
    assert {row["hour_of_day"] for row in rows} == {10}
    assert {row["day_of_week"] for row in rows} == {1}  # 5 January 2026 is a Monday


@pytest.mark.parametrize(
    ("feedback", "is_active", "label"),
    [
        ("like", True, 1),
        ("share", True, 1),
        ("download", True, 1),
        ("skip", True, 0),
        ("dislike", True, 0),
        ("auto_play", False, 1),
    ],
)
def test_labels_are_table_one_of_the_paper(
    spark: SparkSession, config: Config, feedback: str, is_active: bool, label: int
) -> None:
    row = build_days(spark, [event("a", "10:00", feedback=feedback)], [DAY], config).first()
    assert row is not None
    assert (row["is_active"], row["label"]) == (is_active, label)


def test_plays_have_the_columns_of_the_contract(spark: SparkSession, config: Config) -> None:
    plays = build_days(spark, [event("a", "10:00")], [DAY], config)
    assert plays.columns == contract_for("plays", config).columns


PAUSES = (0, 1, 5, 29, 30, 31, 90, 300, 600, 1500)
DURATIONS = (0, 60_000, 240_000, 3_600_000)
one_user = st.lists(st.tuples(st.sampled_from(PAUSES), st.sampled_from(DURATIONS)), min_size=1, max_size=50)


def listening(users: Sequence[Sequence[tuple[int, int]]]) -> list[Event]:
    """Return events of users with gaps around the limits, over three and a half days."""
    events = []
    for number, steps in enumerate(users):
        moment = datetime(2026, 1, 5, 20, number % 60, tzinfo=UTC)
        for index, (pause, played) in enumerate(steps):
            moment += timedelta(minutes=pause)
            events.append(Event(f"e{number}-{index:03d}", moment, user_id=f"u{number}", played_ms=played))
    return [item for item in events if item.played_at < datetime(2026, 1, 9, tzinfo=UTC)]


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(users=st.lists(one_user, min_size=15, max_size=25))  # each user is a case of its own
@pytest.mark.parametrize(("max_hours", "bot_limit"), [("1.5", "5"), ("6", "2000"), ("24", "20")])
def test_any_split_of_days_gives_the_plays_of_one_full_run(
    spark: SparkSession,
    make_config: Callable[..., Config],
    users: list[list[tuple[int, int]]],
    max_hours: str,
    bot_limit: str,
) -> None:
    events = listening(users)
    config = make_config(f"sessions.max_hours={max_hours}", f"sessions.max_plays_per_user_day={bot_limit}")
    days = [DAY + timedelta(days=offset) for offset in range(4)]
    assert as_reference(build_days(spark, events, days, config)) == reference_sessions(events, config)
