"""Step 1 too, where dimensions are declared: their feeds into the tables ``users`` and ``songs``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Dimension
from uae_model.core.dates import days_between
from uae_model.core.errors import ContractError
from uae_model.core.logs import log, warn
from uae_model.features.dimensions import changed_versions, statement_count
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.identity import read_key
from uae_model.ingest.statements import parse_statements, read_statements
from uae_model.lake import TableStore
from uae_model.pipeline.ingest import slots_done, write_quarantine
from uae_model.sessions.cut import event_days


@dataclass(frozen=True)
class StatementCounts:
    """What became of a dimension's rows: read = quarantined + added + repeated.

    Attributes:
        read: rows of the slots.
        quarantined: rows that could not be read.
        added: statements about an entity and a time of which the table had none.
        repeated: the others; one that says more than the row of its entity and time took its place.
    """

    read: int = 0
    quarantined: int = 0
    added: int = 0

    @property
    def repeated(self) -> int:
        """Rows of which the table, or another row of the slot, had the entity and the time."""
        return self.read - self.quarantined - self.added

    def __add__(self, other: StatementCounts) -> StatementCounts:
        return StatementCounts(
            self.read + other.read, self.quarantined + other.quarantined, self.added + other.added
        )

    def to_dict(self) -> dict[str, int]:
        """Return all counts."""
        return {
            "read": self.read,
            "quarantined": self.quarantined,
            "added": self.added,
            "repeated": self.repeated,
        }


def ingest_dimensions(store: TableStore, first: date, last: date) -> dict[str, dict[str, int]]:
    """Ingest every complete slot of the dimensions that days ``first`` to ``last`` may read; return counts.

    Slots are looked for from ``feed.late_days`` before the first day, so that one delivered late is found,
    up to the end of the last day's sessions. A missing slot stops nothing: what is known holds on, and the
    slot is found by a later night.

    Returns:
        Counts by table; nothing where no dimension is declared.

    Raises:
        ConfigError: without an HMAC key.
        InputError: if a slot has no files or lacks a column.
        ContractError: if rows were lost.
    """
    config = store.config
    earliest = first - timedelta(days=config.feed.late_days)
    latest = event_days(last, config)[-1]
    return {
        each.table: ingest_statements(store, each, complete_slots(store, each, earliest, latest)).to_dict()
        for each in config.dimensions
    }


def complete_slots(store: TableStore, dimension: Dimension, first: date, last: date) -> list[Slot]:
    """Return the complete slots of a dimension in a range of days; gaps do not matter."""
    feed = Feed(store.spark, store.config, dimension)
    days = [last] if feed.is_static else days_between(first, last)
    return [slot for day in days for slot in feed.slots(day) if feed.is_complete(slot)]


def ingest_statements(store: TableStore, dimension: Dimension, slots: list[Slot]) -> StatementCounts:
    """Ingest the slots of a dimension whose files have not been ingested under these settings yet.

    Raises:
        ConfigError: without an HMAC key.
        InputError: if a slot has no files or lacks a column.
        ContractError: if rows were lost.
    """
    key = read_key(store.config)
    feed = Feed(store.spark, store.config, dimension)
    settings = store.config.dimension_digest(dimension)
    store.ensure(dimension.table)
    done = slots_done(store.commits(dimension.table))
    total = StatementCounts()
    if not slots:
        warn("no slot of the dimension is delivered", dimension=dimension.table, feed=dimension.feed)
    for slot in slots:
        files = feed.fingerprint(slot)
        if (slot.name, files, settings) in done:
            log("slot is ingested already", slot=slot.name)
            continue
        total += _ingest_slot(
            store, dimension, slot, {"slot": slot.name, "files": files, "settings": settings}, key
        )
    return total


def _ingest_slot(
    store: TableStore, dimension: Dimension, slot: Slot, identity: dict[str, str], key: bytes
) -> StatementCounts:
    name = dimension.table
    rows = read_statements(store.spark, slot, dimension)
    read = rows.count()
    parsed = parse_statements(rows, dimension, key)
    # Both writes can be repeated, and the table comes last: its commit says that the slot is done.
    quarantined = write_quarantine(store, slot, parsed)
    before = _statements(store, name)
    good = parsed.where(F.col("reason").isNull()).drop("source", "raw", "reason")
    merged = store.merge_changes(
        name,
        changed_versions(store.read(name).select(store.contract(name).columns), good, dimension),
        {"step": "ingest", **identity, "rows_read": read},
    )
    counts = StatementCounts(read, quarantined, _statements(store, name) - before)
    if counts.added < 0 or counts.repeated < 0:
        raise ContractError(
            f"feed slot {slot.name}: statements of table {name} do not add up: {counts.to_dict()}"
        )
    log("slot ingested", slot=slot.name, **counts.to_dict(), versions=merged)
    return counts


def _statements(store: TableStore, name: str) -> int:
    return int(store.read(name).agg(statement_count()).collect()[0][0])
