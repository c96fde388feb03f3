"""Statements into versions: each holds for its time, and no order or split of the feed matters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from tests.builders import at
from tests.features.dimensions.builders import (
    SONGS,
    Statement,
    Version,
    empty_table,
    reference,
    statements_frame,
)
from uae_model.features.dimensions import changed_versions, distinct_statements, statement_count, versions_of
from uae_model.features.dimensions.history import statements_in

# A Spark run is dear: an example draws the seed of many songs, and a failing one is not made smaller.
few = settings(
    max_examples=2,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
SONG_COUNT = 80


def says(when: str, genre: str | None, year: float | None = 1990.0, song: str = "s1") -> Statement:
    return Statement(song, at(when), genre, year)


def as_versions(frame: DataFrame) -> list[Version]:
    rows = frame.select("song_id", "genre", "year", "valid_from", "valid_to", "restated_at").collect()
    return sorted(
        (
            Version(
                row["song_id"],
                row["genre"],
                row["year"],
                row["valid_from"].astimezone(UTC),
                row["valid_to"] and row["valid_to"].astimezone(UTC),
                tuple(moment.astimezone(UTC) for moment in row["restated_at"]),
            )
            for row in rows
        ),
        key=lambda version: (version.song_id, version.valid_from),
    )


def after(spark: SparkSession, table: DataFrame, statements: Sequence[Statement]) -> DataFrame:
    """Return the table after a merge of the statements, without Delta."""
    changes = changed_versions(table, statements_frame(spark, statements), SONGS).localCheckpoint()
    keys = ["song_id", "valid_from"]
    kept = table.join(changes.select(*keys), keys, "left_anti")
    return kept.unionByName(changes.where("NOT removed").drop("removed")).localCheckpoint()


def made_of(spark: SparkSession, *statements: Statement) -> list[Version]:
    frame = statements_frame(spark, statements)
    return as_versions(versions_of(distinct_statements(frame, SONGS), SONGS))


def test_a_version_holds_until_the_next_says_otherwise(spark: SparkSession) -> None:
    rows = made_of(
        spark,
        says("08:00", "rock"),
        says("10:00", "jazz"),
        says("09:00", "pop", song="s2"),
        says("11:00", None),
    )
    assert rows == [
        Version("s1", "rock", 1990.0, at("08:00"), at("10:00"), ()),
        Version("s1", "jazz", 1990.0, at("10:00"), at("11:00"), ()),
        Version("s1", None, 1990.0, at("11:00"), None, ()),  # null is a statement too: not known any more
        Version("s2", "pop", 1990.0, at("09:00"), None, ()),
    ]


def test_statements_that_say_the_same_are_one_version_that_knows_when(spark: SparkSession) -> None:
    rows = made_of(
        spark, *[says(when, "rock") for when in ("10:00", "08:00", "09:00")], says("11:00", "jazz")
    )
    assert rows == [
        Version("s1", "rock", 1990.0, at("08:00"), at("11:00"), (at("09:00"), at("10:00"))),
        Version("s1", "jazz", 1990.0, at("11:00"), None, ()),
    ]


@pytest.mark.parametrize(
    ("rivals", "winner"),
    [
        ([("rock", None), (None, None), ("jazz", 1970.0)], ("jazz", 1970.0)),  # the fuller
        ([("jazz", 1990.0), ("rock", 1970.0)], ("rock", 1970.0)),  # then the greater, in declared order
        ([("rock", 1970.0), ("rock", 1990.0)], ("rock", 1990.0)),
        ([("rock", None), (None, 1990.0)], ("rock", None)),  # null before any value
    ],
)
def test_two_rows_of_a_song_and_time_resolve_to_one(
    spark: SparkSession, rivals: list[tuple[str | None, float | None]], winner: tuple[str, float | None]
) -> None:
    for order in (rivals, rivals[::-1]):
        (row,) = made_of(spark, *[says("08:00", genre, year) for genre, year in order])
        assert (row.genre, row.year) == winner


def test_a_late_statement_between_two_equal_ones_splits_their_version(spark: SparkSession) -> None:
    table = after(spark, empty_table(spark), [says("08:00", "rock"), says("10:00", "rock")])
    assert len(as_versions(table)) == 1
    assert as_versions(after(spark, table, [says("09:00", "jazz")])) == [
        Version("s1", "rock", 1990.0, at("08:00"), at("09:00"), ()),
        Version("s1", "jazz", 1990.0, at("09:00"), at("10:00"), ()),
        Version("s1", "rock", 1990.0, at("10:00"), None, ()),
    ]


def test_only_rows_that_differ_are_changed(spark: SparkSession) -> None:
    table = after(
        spark,
        empty_table(spark),
        [says("08:00", "rock"), says("10:00", "jazz"), says("09:00", "pop", song="s2")],
    )
    again = changed_versions(table, statements_frame(spark, [says("10:00", "jazz")]), SONGS)
    assert again.count() == 0
    # Before the first: the table's first version merges into it, and so is taken out.
    rows = changed_versions(table, statements_frame(spark, [says("07:00", "rock")]), SONGS).collect()
    assert {(row["valid_from"].astimezone(UTC), row["removed"]) for row in rows} == {
        (at("07:00"), False),
        (at("08:00"), True),
    }


def story(random: Random) -> list[Statement]:
    """Return statements about many songs, with ties, repetitions and gaps."""
    start = datetime(2026, 1, 5, tzinfo=UTC)
    return [
        Statement(
            f"s{song}",
            start + timedelta(hours=random.randrange(6)),
            random.choice([None, "rock", "jazz"]),
            random.choice([None, 1990.0]),
        )
        for song in range(SONG_COUNT)
        for _ in range(random.randint(1, 8))
    ]


@few
@given(seed=st.integers(0, 2**32 - 1))
def test_any_order_and_any_split_of_the_feed_give_the_same_table(spark: SparkSession, seed: int) -> None:
    random = Random(seed)
    statements = story(random)
    expected = reference(statements)
    assert any(version.restated_at for version in expected)
    random.shuffle(statements)
    table = empty_table(spark)
    while statements:
        batch, statements = statements[: SONG_COUNT * 2], statements[SONG_COUNT * 2 :]
        # Some rows are delivered again, by the next slot.
        statements = statements + random.sample(batch, 5) if statements else statements
        table = after(spark, table, batch)
    assert as_versions(table) == expected
    count = table.agg(statement_count()).collect()[0][0]
    assert count == statements_in(table, SONGS).count() == sum(1 + len(v.restated_at) for v in expected)
