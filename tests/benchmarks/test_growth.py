"""The benchmark of growth: what a night adds is told from equal days of the week, and days pass."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.growth import (
    DAY_SECONDS,
    EVERY,
    Evening,
    a_day_passes,
    a_night,
    short_days,
    table,
)
from uae_model.config import Config
from uae_model.lake import contract_for


def evenings(files_a_night: int, nights: int) -> list[dict[str, object]]:
    """Return evenings of steady growth, over which what is cleaned up every week rises and falls."""
    return [
        asdict(
            Evening(
                night,
                {"tables": files_a_night * night + 10 * (night % EVERY), "snapshots": 5},
                {"tables": 1000 * files_a_night * night, "snapshots": 5},
            )
        )
        for night in range(1, nights + 1)
    ]


def test_what_a_night_adds_does_not_depend_on_the_day_of_the_week() -> None:
    for nights in (28, 100, 104):
        assert a_night(evenings(3, nights)) == pytest.approx((3, 3000))


def test_the_table_has_a_row_for_each_kind_of_nights() -> None:
    result = {"every": EVERY, "evenings": {"without": evenings(20, 28), "maintained": evenings(3, 100)}}
    lines = table(result).splitlines()
    assert lines[2] == "| without maintenance | 28 | 565 | 0.6 | 20.0 | 20 |"
    assert lines[3].startswith("| `uae maintain` every 7th night | 100 | 325 |")


def test_every_file_becomes_a_day_older(tmp_path: Path) -> None:
    file = tmp_path / "tables" / "events" / ".part.crc"
    file.parent.mkdir(parents=True)
    file.touch()
    os.utime(file, (10 * DAY_SECONDS, 10 * DAY_SECONDS))
    a_day_passes(tmp_path)
    assert file.stat().st_mtime == 9 * DAY_SECONDS


def test_a_day_of_removed_files_lasts_for_seconds_meanwhile(config: Config) -> None:
    contract, name = contract_for("events", config), "delta.deletedFileRetentionDuration"
    with short_days(8):
        assert contract.properties()[name] == "interval 240 seconds"
    assert contract.properties()[name] == "interval 30 days"
