"""Spotify's extended history: the time is the end, addresses are dropped, podcasts are no songs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from tests.ingest.datasets import dataset_config, parse_dataset, spotify_play, write_lines, write_spotify
from uae_model.config import load_config
from uae_model.core.errors import InputError


@pytest.fixture(scope="module")
def parsed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("spotify")
    write_spotify(folder)
    return parse_dataset(spark, dataset_config(folder, "spotify"))


@pytest.fixture(scope="module")
def good(parsed: list[Row]) -> dict[str, list[Row]]:
    """Good rows by the last part of their song."""
    found: dict[str, list[Row]] = {}
    for row in parsed:
        if row["reason"] is None:
            found.setdefault(row["song_id"].rsplit(":")[-1], []).append(row)
    return found


def test_a_play_starts_its_length_before_the_time_of_its_row(good: dict[str, list[Row]]) -> None:
    (row,) = good["c"]
    assert row["played_at"].astimezone(UTC) == datetime(2026, 1, 5, 10, 3, 20, tzinfo=UTC)
    assert row["played_ms"] == 180_000


def test_what_the_listener_ended_by_hand_is_active_and_no_reason_is_passive(
    good: dict[str, list[Row]],
) -> None:
    assert [good[song][0]["feedback"] for song in "abc"] == ["auto_play", "skip", "auto_play"]


def test_a_duplicate_is_the_same_event(good: dict[str, list[Row]]) -> None:
    assert len(good["b"]) == 2
    assert len({row["event_id"] for row in good["b"]}) == 1


def test_a_listener_is_the_first_folder_below_the_slot(good: dict[str, list[Row]]) -> None:
    users = [row["user_id"] for row in good["a"]]
    assert len(set(users)) == 2
    assert good["b"][0]["user_id"] in users


def test_features_are_known_when_the_play_starts(good: dict[str, list[Row]]) -> None:
    (row,) = good["c"]
    assert (row["shuffle"], row["country"], row["reason_start"], row["artist"], row["album"]) == (
        *("true", "GB", "trackdone", "Band", "Album"),
    )
    assert row["platform"].startswith("Android OS")
    sources = {feature.source_column for feature in load_config(None, profile="spotify").features}
    assert not sources & {"reason_end", "skipped"}


def test_what_is_no_play_of_a_song_says_why(parsed: list[Row]) -> None:
    reasons = sorted((row["reason"], row["value"]) for row in parsed if row["reason"] is not None)
    assert reasons == [
        ("the entry is no JSON object", None),
        ("the entry is no song", "spotify:episode:e"),
        ("the file is damaged here", None),
        ("unknown feedback", "applause"),
    ]


def test_addresses_are_nowhere(parsed: list[Row]) -> None:
    assert len(parsed) == 9
    assert all("ip_addr" in row["raw"] for row in parsed if row["raw"] != '"not an entry"')
    assert not any("192.0.2" in row["raw"] for row in parsed)


def test_files_are_named_without_their_listeners(parsed: list[Row]) -> None:
    sources = {row["source"] for row in parsed}
    assert {source.split("/")[1] for source in sources} == {"listener 1", "listener 2"}


def test_listeners_whose_folders_differ_in_spaces_alone_are_told(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("ann", "ann ", "bob"):
        write_lines(tmp_path / "spotify" / name / "a.json", [json.dumps([spotify_play("t", "a")])])
    with pytest.raises(InputError, match=r"folders of listener 1 and listener 2, .* differ in spaces alone"):
        parse_dataset(spark, dataset_config(tmp_path, "spotify"))
