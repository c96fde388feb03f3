"""Deezer's DSG17: what was left within 30 seconds is a skip."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from tests.ingest.datasets import (
    DEEZER,
    DEEZER_HEADER,
    dataset_config,
    parse_dataset,
    write_deezer,
    write_lines,
)
from uae_model.core.errors import InputError


@pytest.fixture(scope="module")
def parsed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """Rows by their line."""
    folder = tmp_path_factory.mktemp("deezer")
    write_deezer(folder)
    return {row["raw"]: row for row in parse_dataset(spark, dataset_config(folder, "deezer"))}


def test_a_play_left_within_30_seconds_is_active(parsed: dict[str, Row]) -> None:
    assert [parsed[line]["feedback"] for line in (DEEZER[0], DEEZER[1])] == ["skip", "auto_play"]


def test_the_columns_of_a_play(parsed: dict[str, Row]) -> None:
    row = parsed[DEEZER[0]]
    assert row["played_at"].astimezone(UTC) == datetime(2016, 11, 1, 0, 10, tzinfo=UTC)
    assert (row["song_id"], row["played_ms"], row["reason"]) == ("222606", None, None)
    assert (row["artist"], row["album"], row["genre"], row["release_year"]) == (
        *("55164", "41774", "25471", "2004"),
    )
    assert (row["context_type"], row["listen_type"], row["platform_name"], row["platform_family"]) == (
        *("12", "0", "1", "0"),
    )
    assert (row["user_gender"], row["user_age"], row["duration_seconds"]) == ("0", 29.0, 223.0)
    assert parsed[DEEZER[3]]["user_age"] is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (5, "feedback is missing"),
        (6, "feature user_age is no number"),
        (7, "the row cannot be split into columns"),
    ],
)
def test_a_broken_line_is_told_apart(parsed: dict[str, Row], line: int, reason: str) -> None:
    assert parsed[DEEZER[line]]["reason"] == reason


def test_the_file_that_does_not_say_what_was_listened_to_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    header = f"sample_id,{DEEZER_HEADER.removesuffix(',is_listened')}"
    write_lines(tmp_path / "deezer" / "test.csv", [header])
    with pytest.raises(InputError, match="no column is_listened in the header"):
        parse_dataset(spark, dataset_config(tmp_path, "deezer", "paths.feed=deezer/test.csv"))
