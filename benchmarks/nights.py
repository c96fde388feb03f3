"""A night of the features step with two days of history, and two with all that the longest window reads.

The 60 nights hold 10 million plays.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.events import DAY, PLAYS_PER_USER
from benchmarks.features import config_of_44, count_events, days_from, spark_night, spark_partials, write_days
from benchmarks.measure import Run, timed
from benchmarks.workspace import count_rows, emptied, made_once, spark_session

NIGHTS = {"night3": 3, "night33": 33, "night60": 60}
USERS = 10_000_000 // (PLAYS_PER_USER * max(NIGHTS.values()))
LONGEST_WINDOW = 30
WARM_UP_NIGHTS = 3


def prepare(folder: Path, scale: float) -> dict[str, Any]:
    """Write the events of 60 days and, untimed, the partials that each of these nights finds there.

    Older partials than the longest window reads are left out: no night would open their files.
    """
    users = max(100, int(USERS * scale))
    made_once(folder / "events", lambda events: write_days(events, users, max(NIGHTS.values())))
    for peer, number in NIGHTS.items():
        made_once(folder / f"history-{peer}", partial(_history, folder, number=number))
    return {"events": count_events(folder / "events"), "days": max(NIGHTS.values())}


def _history(folder: Path, history: Path, number: int) -> None:
    days = days_from(DAY, number - 2)[-LONGEST_WINDOW:]
    with spark_session(folder, "local[*]") as spark:
        for day in days:
            spark_partials(spark, folder, history, day, config_of_44())


def _night(folder: Path, peer: str) -> Run:
    """Run one night after the night before it, built a few times over to warm up Spark alike for all."""
    config = config_of_44()
    output = emptied(folder / peer)
    shutil.copytree(folder / f"history-{peer}", output)
    day = DAY + timedelta(days=NIGHTS[peer] - 1)
    with spark_session(folder, "local[1]") as spark:
        for _ in range(WARM_UP_NIGHTS):
            spark_night(spark, folder, output, day - timedelta(days=1), config)
        with timed() as run:
            spark_night(spark, folder, output, day, config)
            run.units = count_events(folder / "events", day)
    return run


PEERS: dict[str, Callable[[Path], Run]] = {peer: partial(_night, peer=peer) for peer in NIGHTS}


def compare(folder: Path) -> dict[str, Any]:
    """Check that each night that was run gave every play of its day a row."""
    complete = {}
    for peer, number in NIGHTS.items():
        if not (folder / peer).exists():
            continue
        day = DAY + timedelta(days=number - 1)
        complete[peer] = _rows(folder / peer / "features" / f"dt={day}") == count_events(
            folder / "events", day
        )
    return {"agree": all(complete.values()), **complete}


def _rows(folder: Path) -> int:
    return count_rows(f"{folder}/*.parquet")
