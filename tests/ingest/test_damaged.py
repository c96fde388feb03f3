"""The folders of damaged feeds that lie beside the repository, where they do: as ``expected.json`` says."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from tests.ingest.datasets import parse_dataset
from uae_model.config import Config, load_config
from uae_model.core.errors import InputError
from uae_model.ingest.feed import Slot

DAMAGED = Path(os.environ.get("UAE_DAMAGED_FEEDS", Path(__file__).parents[3] / "shared" / "data" / "damaged"))
EXPECTED: dict[str, dict[str, Any]] = (
    json.loads((DAMAGED / "expected.json").read_text()) if DAMAGED.is_dir() else {}
)
DAY = date(2026, 3, 2)
ARTIST = '[[features]]\nname = "artist"\nkind = "categorical"\nrole = "both"\n'


def config_of(name: str, folder: Path) -> Config:
    form = {"overlap": "csv", "spotify_listeners": "spotify"}.get(name, name.split("_")[0])
    (folder / "uae.toml").write_text("" if form == "spotify" else ARTIST)
    profile = "spotify" if form == "spotify" else "default"
    return load_config(folder / "uae.toml", profile=profile, overrides=[f"feed.format={form}"])


def test_damaged_feeds_are_read_or_refused(spark: SparkSession, tmp_path: Path) -> None:
    for name, expected in EXPECTED.items():
        _check(spark, tmp_path, name, expected)


def _check(spark: SparkSession, tmp_path: Path, name: str, expected: dict[str, Any]) -> None:
    slot = Slot(name, str(DAMAGED / name), DAY, None)
    config = config_of(name, tmp_path)
    if "one_line_error" in expected:
        with pytest.raises(InputError) as failure:
            parse_dataset(spark, config, slot)
        assert "\n" not in str(failure.value)
        assert "a." in str(failure.value)
        return
    rows = parse_dataset(spark, config, slot)
    good = [row for row in rows if row["reason"] is None]
    bad = [row for row in rows if row["reason"] is not None]
    _check_counts(expected, good, bad)
    for event, artist in expected.get("artists", {}).items():
        assert [row["artist"] for row in good if row["event_id"] == event] == [artist]
    for event, milliseconds in expected.get("keeps", {}).items():
        assert [row["played_ms"] for row in good if row["event_id"] == event] == [milliseconds]


def _check_counts(expected: dict[str, Any], good: list[Row], bad: list[Row]) -> None:
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
