"""What is known of one day of a table: the row of ``day_states``, and what a commit tells of a day."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from uae_model.lake.log import APPENDED, NO_DAY, WRITES, Change

FEED = "feed"
"""The table in the units of feed slots: what is delivered is a table too, though not of Delta."""
SCHEMA_VERSION = 1
ACCEPTED, UNACCEPTED, UNDONE, EXPIRED = "accepted", "unaccepted", "undone", "expired"


@dataclass(frozen=True, order=True)
class Unit:
    """What a step makes at a time: a day of a table, or a named part of one, such as a slot of the feed."""

    table: str
    day: date = NO_DAY
    part: str = ""

    def __str__(self) -> str:
        return f"{self.table} {self.part or self.day}".removesuffix(f" {NO_DAY}")


@dataclass(frozen=True)
class DayState:
    """What is known of a unit.

    Attributes:
        unit: the day of a table.
        version: Delta version of the last commit that changed its rows.
        status: accepted once its checks have passed; unaccepted before, or after another hand's change;
            expired once its rows were given up for their age: what was built from them stays as it is.
        inputs: what it was built from, name -> version; None where that is not known.
        settings: digest of the settings that it was built with; empty where that is not known.
        counts: what its step counted.
        checks: the checks that it passed, as text.
        run_id: of the run that built it.
        committed_ms: time of that commit.
        written_to: the table that the commit is in, where it is not the unit's own.
    """

    unit: Unit
    version: int
    status: str = UNACCEPTED
    inputs: dict[str, Any] | None = None
    settings: str = ""
    counts: dict[str, Any] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    run_id: str = ""
    committed_ms: int = 0
    written_to: str = ""

    @property
    def table(self) -> str:
        """The table that its rows are in."""
        return self.written_to or self.unit.table

    @property
    def is_accepted(self) -> bool:
        """Whether readers may take it for good."""
        return self.status == ACCEPTED

    @property
    def is_expired(self) -> bool:
        """Whether its rows were given up for their age."""
        return self.status == EXPIRED


def log_of(unit: Unit) -> str:
    """Return the table whose log tells of a unit: slots of the feed are written to events or a dimension."""
    if unit.table != FEED:
        return unit.table
    dimension = unit.part.partition("/")[0]
    return dimension if dimension in ("users", "songs") else "events"


def unit_of_commit(metadata: dict[str, Any], table: str) -> Unit | None:
    """Return the unit that a commit says it is of; older ones name a day or a slot."""
    if "unit" in metadata:
        name, day, part = metadata["unit"]
        return Unit(name, date.fromisoformat(day), part)
    if "slot" in metadata and table != "quarantine":
        told = re.search(r"\d{4}-\d{2}-\d{2}", metadata["slot"])
        return Unit(FEED, date.fromisoformat(told[0]) if told else NO_DAY, metadata["slot"])
    return Unit(table, date.fromisoformat(metadata["dt"])) if "dt" in metadata else None


def inputs_of_commit(metadata: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a commit says its unit was built from, name -> version; None where it says nothing."""
    if "unit" in metadata:
        return dict(metadata["inputs"])
    return {"files": metadata["files"]} if "files" in metadata else None


def counts_beside(change: Change, own: Unit | None) -> dict[str, Any]:
    """Return what is known of a day that the commit of another unit, or of another hand, changed."""
    return {"operation": change.operation, "by": str(own or "")}


def counts_of_commit(change: Change) -> dict[str, Any]:
    """Return what a step counted of the unit of its commit, and the rows that the commit wrote."""
    counts = dict(change.metadata.get("counts") or {})
    if "rows_read" in change.metadata:
        counts["read"] = change.metadata["rows_read"]
    for name in ("excluded", "models"):
        if name in change.metadata:
            counts[name] = change.metadata[name]
    if "attributes" in change.metadata:
        counts["relevant"] = change.metadata["attributes"]
    if change.operation in WRITES and change.rows is not None:
        counts["inserted" if change.metadata.get(APPENDED) else "rows"] = change.rows
    if change.operation == "MERGE":
        counts["inserted"] = int(change.metrics.get("numTargetRowsInserted", 0))
        updated = int(change.metrics.get("numTargetRowsUpdated", 0))
        counts["updated"] = updated - int(counts.get("restored", 0))  # those took the row of another slot
    return counts


def row_of(state: DayState, now: datetime) -> tuple[Any, ...]:
    """Return a state as a row of the table, recorded at ``now``."""
    inputs = None if state.inputs is None else json.dumps(state.inputs, sort_keys=True)
    unit = state.unit
    return (
        *(unit.table, unit.day, unit.part, state.version, state.status, inputs, state.settings),
        *(json.dumps(state.counts, sort_keys=True, default=str), list(state.checks), state.run_id),
        *(state.committed_ms, state.written_to, SCHEMA_VERSION, now),
    )


def state_of(row: dict[str, Any]) -> DayState:
    """Return the state that a row of the table holds."""
    return DayState(
        Unit(row["table_name"], row["day"], row["part"]),
        row["delta_version"],
        row["status"],
        None if row["inputs"] is None else json.loads(row["inputs"]),
        row["settings"],
        json.loads(row["counts"]),
        tuple(row["checks"]),
        row["run_id"],
        row["committed_ms"],
        row["written_to"],
    )
