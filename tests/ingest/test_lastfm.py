"""Last.fm-1K: TSV with any quotes, ids that may be empty, no feedback."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from tests.ingest.datasets import (
    LASTFM,
    dataset_config,
    lastfm_line,
    parse_dataset,
    write_lastfm,
    write_lines,
)


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


def test_a_dash_in_a_name_makes_no_two_songs_one(spark: SparkSession, tmp_path: Path) -> None:
    names = [("A", "B - C"), ("A - B", "C"), ("", "A - B - C"), ("A", "- C"), ("A -", "C"), ("A-B", "C")]
    lines = [
        lastfm_line("u", "2009-05-04T23:08:57Z", track, artist_id="", artist=artist)
        for artist, track in names
    ]
    write_lines(tmp_path / "lastfm" / "a.tsv", lines)
    config = dataset_config(tmp_path, "lastfm1k", "paths.feed=lastfm")
    songs = [row["song_id"] for row in parse_dataset(spark, config)]
    assert sorted(songs) == sorted(["A-B - C", *["\t".join(pair) for pair in names[:-1]]])


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
