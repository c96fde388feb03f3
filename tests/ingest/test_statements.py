"""Rows of a dimension's feed into statements: each is typed, or says why it is none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import Row, SparkSession

from tests.builders import DAY, at
from uae_model.config import Dimension
from uae_model.core.errors import InputError
from uae_model.ingest.feed import Slot
from uae_model.ingest.files import Report
from uae_model.ingest.identity import user_hasher
from uae_model.ingest.listing import list_slot
from uae_model.ingest.reports import check_reports
from uae_model.ingest.statements import needed_statement_columns, parse_statements, read_statements

KEY = b"an hmac key for tests"
SONGS = Dimension(entity="song", feed="songs", attributes={"genre": "categorical", "year": "numeric"})
USERS = Dimension(entity="user", feed="users", attributes={"plan": "categorical"})


def parsed(spark: SparkSession, folder: Path, dimension: Dimension) -> list[Row]:
    slot = Slot("songs/dt=2026-01-05", str(folder), DAY, None)
    listing = list_slot(spark, str(folder), dimension.format)
    rows = parse_statements(read_statements(spark, slot, dimension, listing), dimension, KEY).collect()
    reports = [Report.of_text(row["report"]) for row in rows if row["report"]]
    check_reports(slot.name, reports, needed_statement_columns(dimension), accept_empty=True)
    return sorted((row for row in rows if row["report"] is None), key=lambda row: row["raw"] or "")


def lines(folder: Path, rows: Sequence[dict[str, Any] | str]) -> Path:
    text = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    (folder / "part-0.json").write_text("".join(f"{line}\n" for line in text))
    return folder


def test_a_row_is_a_statement_or_says_all_that_is_wrong(spark: SparkSession, tmp_path: Path) -> None:
    dimension = SONGS.model_copy(update={"format": "jsonl", "columns": {"song_id": "track"}})
    rows: list[dict[str, Any] | str] = [
        {"track": "1", "valid_from": "2026-01-05T10:00:00Z", "genre": " rock ", "year": "-0.0"},
        {"track": "2", "valid_from": "2026-01-05 10:00", "genre": " ", "year": None},
        {"track": " ", "valid_from": "soon", "genre": "rock", "year": "old"},
        {"track": "4", "genre": "rock", "year": 1990},
        {"track": "5", "valid_from": "2026-01-05", "year": "inf"},
        "{cut",
    ]
    found = {row["raw"][:12]: row for row in parsed(spark, lines(tmp_path, rows), dimension)}
    values = [
        (row["song_id"], row["valid_from"].astimezone(UTC), row["genre"], str(row["year"]))
        for row in found.values()
        if row["reason"] is None
    ]
    assert values == [("1", at("10:00"), "rock", "0.0"), ("2", at("10:00"), None, "None")]
    assert [row["reason"] for row in found.values() if row["reason"]] == [
        "song_id is missing; valid_from cannot be read; attribute year is no number",
        "valid_from is missing",
        "attribute year is no number",
        "the line is no JSON object",
    ]
    assert {row["source"] for row in found.values()} == {"songs/dt=2026-01-05/part-0.json"}


def test_user_ids_become_the_pseudonyms_of_events(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user_id,valid_from,plan\nann,1767607200,free\n")
    dimension = USERS.model_copy(update={"format": "csv", "time_format": "epoch_seconds"})
    (row,) = parsed(spark, tmp_path, dimension)
    assert row["user_id"] == user_hasher(KEY)(pd.Series(["ann"]))[0]
    assert (row["valid_from"].astimezone(UTC), row["plan"], row["reason"]) == (at("10:00"), "free", None)


def test_parquet_keeps_its_types(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "slot"
    spark.createDataFrame(
        [(7, at("10:00"), "rock", 1990)], "song_id int, valid_from timestamp, genre string, year int"
    ).write.parquet(str(folder))
    (row,) = parsed(spark, folder, SONGS)
    assert (row["song_id"], row["valid_from"].astimezone(UTC), row["year"]) == ("7", at("10:00"), 1990.0)


def test_a_column_that_is_not_there_is_named(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "slot"
    spark.createDataFrame([("1", "rock")], "song_id string, genre string").write.parquet(str(folder))
    with pytest.raises(
        InputError,
        match="no column valid_from; its columns are song_id, genre; name the source columns in columns of",
    ):
        parsed(spark, folder, SONGS)
    schema = "song_id string, valid_from timestamp, genre string"
    without = tmp_path / "without"
    spark.createDataFrame([("1", at("10:00"), "rock")], schema).write.parquet(str(without))
    with pytest.raises(
        InputError,
        match="the feed of dimension songs has no column 'year' for year; its columns are "
        "song_id, valid_from, genre; set columns of dimension songs",
    ):
        parsed(spark, without, SONGS)
    (tmp_path / "songs.csv").write_text("id,since\n")
    with pytest.raises(InputError, match="name the source columns in columns of dimension songs"):
        parsed(spark, tmp_path / "songs.csv", SONGS.model_copy(update={"format": "csv"}))
