"""Last.fm-1K: TSV with any quotes, ids that may be empty, no feedback."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import Row, SparkSession

from tests.ingest.datasets import LASTFM, dataset_config, parse_dataset, write_lastfm


@pytest.fixture(scope="module")
def parsed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """Rows by their line."""
    folder = tmp_path_factory.mktemp("lastfm")
    write_lastfm(folder)
    found: dict[str, list[Row]] = {line: [] for line in LASTFM}
    for row in parse_dataset(spark, dataset_config(folder, "lastfm1k")):
        found[row["raw"]].append(row)
    return found


def test_names_stand_for_ids_that_are_empty(parsed: dict[str, list[Row]]) -> None:
    newest, with_track_id, with_artist_id = (parsed[LASTFM[index]][0] for index in range(3))
    assert (newest["song_id"], newest["artist"]) == ("Deep Dish - Fuck Me Im Famous", "Deep Dish")
    assert (with_track_id["song_id"], with_track_id["artist"]) == ("t-2", "a-1")
    assert (with_artist_id["song_id"], with_artist_id["artist"]) == ("坂本龍一 - Composition 7", "a-1")


def test_each_play_is_passive_starts_at_its_time_and_has_no_length(parsed: dict[str, list[Row]]) -> None:
    row = parsed[LASTFM[0]][0]
    assert row["reason"] is None
    assert row["played_at"].astimezone(UTC) == datetime(2009, 5, 4, 23, 8, 57, tzinfo=UTC)
    assert (row["feedback"], row["played_ms"]) == ("auto_play", None)


def test_an_exact_duplicate_is_the_same_event(parsed: dict[str, list[Row]]) -> None:
    twice = parsed[LASTFM[2]]
    assert len(twice) == 2
    assert len({row["event_id"] for row in twice}) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (6, "song_id is missing"),
        (7, "played_at cannot be read"),
        (8, "the row cannot be split into columns"),
    ],
)
def test_a_broken_line_is_told_apart(parsed: dict[str, list[Row]], line: int, reason: str) -> None:
    assert parsed[LASTFM[line]][0]["reason"] == reason
