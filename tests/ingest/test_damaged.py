"""Damaged feeds by Spark: those made here, and those that lie beside the repository, where they do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from tests.ingest.damaged_feeds import DIMENSIONS, PLAYS, DamagedDimension
from tests.ingest.datasets import KEY, parse_dataset
from uae_model.config import Config, Dimension, load_config
from uae_model.core.errors import InputError
from uae_model.ingest.feed import Slot
from uae_model.ingest.listing import list_slot
from uae_model.ingest.reports import ParsedArrivals, require_all, without_reports
from uae_model.ingest.statements import needed_statement_columns, parse_statements, read_statements

DAMAGED = Path(os.environ.get("UAE_DAMAGED_FEEDS", Path(__file__).parents[3] / "shared" / "data" / "damaged"))
EXPECTED: dict[str, dict[str, Any]] = (
    json.loads((DAMAGED / "expected.json").read_text()) if DAMAGED.is_dir() else {}
)
DAY = date(2026, 3, 2)
ARTIST = '[[features]]\nname = "artist"\nkind = "categorical"\nrole = "both"\n'


def config_of(form: str, folder: Path, *settings: str) -> Config:
    (folder / "uae.toml").write_text("" if form == "spotify" else ARTIST)
    profile = "spotify" if form == "spotify" else "default"
    overrides = [f"feed.format={form}", *settings]
    return load_config(folder / "uae.toml", profile=profile, overrides=overrides)


def test_damaged_feeds_beside_the_repository(spark: SparkSession, tmp_path: Path) -> None:
    for name, expected in EXPECTED.items():
        form = {"overlap": "csv", "spotify_listeners": "spotify"}.get(name, name.split("_")[0])
        told = {**expected, "error": ("a.",)} if "one_line_error" in expected else expected
        _check(spark, config_of(form, tmp_path), DAMAGED / name, told)


@pytest.mark.parametrize("name", PLAYS)
def test_a_damaged_feed_is_read_or_refused(spark: SparkSession, tmp_path: Path, name: str) -> None:
    feed = PLAYS[name]
    folder = feed.write(tmp_path / "slot")
    _check(spark, config_of(feed.format, tmp_path, *feed.settings), folder, feed.expected)


def _check(spark: SparkSession, config: Config, folder: Path, expected: Mapping[str, Any]) -> None:
    slot = Slot(folder.name, str(folder), DAY, None)
    if "error" in expected:
        with pytest.raises(InputError) as failure:
            parse_dataset(spark, config, slot, accept_empty=False)
        assert "\n" not in str(failure.value)
        for words in expected["error"]:
            assert words in str(failure.value)
        return
    rows = parse_dataset(spark, config, slot, accept_empty=False)
    good = [row for row in rows if row["reason"] is None]
    bad = [row for row in rows if row["reason"] is not None]
    _check_counts(expected, good, bad)
    for event, artist in expected.get("artists", {}).items():
        assert [row["artist"] for row in good if row["event_id"] == event] == [artist]
    for event, milliseconds in expected.get("keeps", {}).items():
        assert [row["played_ms"] for row in good if row["event_id"] == event] == [milliseconds]


def _check_counts(expected: Mapping[str, Any], good: list[Row], bad: list[Row]) -> None:
    if isinstance(expected.get("plays"), int):
        assert len({row["event_id"] for row in good}) == expected["plays"]
    if "quarantined" in expected:
        assert len(bad) == expected["quarantined"]
    if "users" in expected:
        assert len({row["user_id"] for row in good}) == expected["users"]
    if "rows" in expected:
        assert len(good) + len(bad) == expected["rows"]
    if "songs" in expected:
        assert sorted(row["song_id"] for row in good) == expected["songs"]


@pytest.mark.parametrize("name", DIMENSIONS)
def test_a_damaged_dimension_is_read_or_refused(spark: SparkSession, tmp_path: Path, name: str) -> None:
    case = DIMENSIONS[name]
    if case.error:
        with pytest.raises(InputError, match=case.error) as failure:
            _statements(spark, tmp_path, case)
        assert "\n" not in str(failure.value)
        return
    rows = _statements(spark, tmp_path, case)
    good = {row["song_id"]: row["genre"] for row in rows if row["reason"] is None}
    bad = [row["reason"] for row in rows if row["reason"] is not None]
    assert (len(rows) - len(bad), len(bad)) == (case.good, case.bad)
    assert {song: good[song] for song in case.genres} == case.genres
    assert case.songs in (None, len(good))
    assert all(case.reason in reason for reason in bad)


def _statements(spark: SparkSession, folder: Path, case: DamagedDimension) -> list[Row]:
    """Read and parse the file as the step does."""
    content = case.content if isinstance(case.content, bytes) else case.content.encode()
    (folder / f"a.{case.format}").write_bytes(content)
    declared = {"entity": "song", "feed": "songs", "attributes": {"genre": "categorical"}}
    dimension = Dimension.model_validate({**declared, "format": case.format, **case.settings})
    slot = Slot("songs/slot", str(folder), DAY, None)
    listing = list_slot(spark, str(folder), case.format)
    parsed = parse_statements(read_statements(spark, slot, dimension, listing), dimension, KEY)
    needed = needed_statement_columns(dimension)
    read = require_all(slot.name, ParsedArrivals(parsed), needed, accept_empty=False, accept_header=True)
    rows: list[Row] = without_reports(parsed).collect()
    assert len(rows) == read
    return rows
