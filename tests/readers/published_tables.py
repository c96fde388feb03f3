"""Published tables as a producing job leaves them, written by delta-rs: readers are tested without Spark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from tests.training_builders import play_rows
from uae_model.config import Config, load_config
from uae_model.readers.delta_log import DeltaLog

FIRST, LAST = date(2026, 1, 7), date(2026, 1, 13)
"""Days of a week; the last one is the day that the documentation reads."""


def weighted_rows(day: date, sessions: int = 30) -> list[dict[str, Any]]:
    """Return the weights of a day: 1 for active plays, half of attention for passive ones."""
    random = np.random.default_rng(day.toordinal())
    rows = play_rows(day, sessions)
    for row in rows:
        attention = float(random.random())
        weight = 1.0 if row["is_active"] else attention / 2
        row |= {"attention": attention, "propensity": 0.5, "sample_weight": weight, "weighting": "linear"}
    return rows


def publish(
    tables: Path,
    rows: Sequence[dict[str, Any]],
    at: datetime,
    *,
    config: Config | None = None,
    accepted: Sequence[str] = (),
) -> int:
    """Publish the rows of a day at a moment, in place of what was published of it; return the version."""
    day = rows[0]["dt"]
    version = _replace(tables / "weights", day, pa.Table.from_pylist(list(rows)), at)
    publication = {
        "table_name": "weights",
        "status": "published",
        "delta_version": version,
        "row_count": len(rows),
        "config": (config or load_config(None)).canonical_json(with_paths=False),
        "accepted_checks": list(accepted),
        "dt": day,
    }
    schema = pa.schema(
        [(name, pa.string()) for name in ("table_name", "status", "config")]
        + [(name, pa.int64()) for name in ("delta_version", "row_count")]
        + [("accepted_checks", pa.list_(pa.string())), ("dt", pa.date32())]
    )
    _replace(tables / "publications", day, pa.Table.from_pylist([publication], schema), at)
    return version


def publish_week(tables: Path) -> None:
    """Publish the days from ``FIRST`` to ``LAST``, each at six o'clock (UTC) of the morning after it."""
    for offset in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=offset)
        publish(tables, weighted_rows(day), morning_after(day))


def morning_after(day: date) -> datetime:
    """Return when a night publishes a day."""
    return datetime.fromisoformat(f"{day + timedelta(days=1)}T06:00:00+00:00")


def _replace(table: Path, day: date, rows: pa.Table, at: datetime) -> int:
    """Replace a day of a table in a commit that tells this moment; return its version."""
    if (table / "_delta_log").is_dir():
        write_deltalake(str(table), rows, mode="overwrite", predicate=f"dt = '{day}'")
    else:
        write_deltalake(str(table), rows, partition_by=["dt"])
    version = DeltaLog(str(table)).newest
    commit = table / "_delta_log" / f"{version:020}.json"
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    for action in actions:
        if "commitInfo" in action:
            action["commitInfo"]["timestamp"] = int(at.timestamp() * 1000)
    commit.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
    return version
