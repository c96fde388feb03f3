"""Step 1: feed slots into events and quarantine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.errors import ContractError
from uae_model.core.logs import log
from uae_model.ingest import distinct_events, outranks, parse_rows, read_slot
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.identity import read_key
from uae_model.lake import Commit, TableStore

STATIC_QUARANTINE_DAY = date(1970, 1, 1)
"""Quarantine partition of a static dataset, whose bad rows belong to no day."""


@dataclass(frozen=True)
class IngestCounts:
    """What became of the rows of some slots: read = quarantined + inserted + updated + duplicates."""

    read: int = 0
    quarantined: int = 0
    inserted: int = 0
    updated: int = 0

    @property
    def duplicates(self) -> int:
        """Rows of events that the table, or another row of the slot, held already."""
        return self.read - self.quarantined - self.inserted - self.updated

    def __add__(self, other: IngestCounts) -> IngestCounts:
        return IngestCounts(
            self.read + other.read,
            self.quarantined + other.quarantined,
            self.inserted + other.inserted,
            self.updated + other.updated,
        )

    def to_dict(self) -> dict[str, int]:
        """Return all counts."""
        return {
            "read": self.read,
            "quarantined": self.quarantined,
            "inserted": self.inserted,
            "updated": self.updated,
            "duplicates": self.duplicates,
        }


def ingest_slots(store: TableStore, feed: Feed, slots: Sequence[Slot]) -> IngestCounts:
    """Ingest the slots whose files have not been ingested under these settings yet.

    Raises:
        ConfigError: without an HMAC key.
        InputError: if a slot has no files or lacks a column.
        ContractError: if rows were lost.
    """
    key = read_key(store.config)
    settings = _settings_digest(store.config)
    done = slots_done(store.commits("events"))
    total = IngestCounts()
    for slot in slots:
        files = feed.fingerprint(slot)
        if (slot.name, files, settings) in done:
            log("slot is ingested already", slot=slot.name)
            continue
        total += _ingest_slot(store, slot, files, settings, key)
    return total


def slots_done(commits: Sequence[Commit]) -> set[tuple[Any, ...]]:
    """Return the slots that these commits wrote: name, fingerprint of the files, settings."""
    return {tuple(c.metadata.get(key) for key in ("slot", "files", "settings")) for c in commits}


def _settings_digest(config: Config) -> str:
    return config.digest_of("feed", "labels", "features", "sessions")


def _ingest_slot(store: TableStore, slot: Slot, files: str, settings: str, key: bytes) -> IngestCounts:
    config = store.config
    rows = read_slot(store.spark, slot, config)
    read = rows.count()
    parsed = parse_rows(rows, config, slot.day, key)
    # Both writes can be repeated, and events come last: their commit says that the slot is done.
    quarantined = write_quarantine(store, slot, parsed)
    columns = store.contract("events").columns
    merged = store.merge_new(
        "events",
        distinct_events(parsed, columns, config),
        _days_of(slot, parsed, config),
        outranks(columns, config),
        {"step": "ingest", "slot": slot.name, "files": files, "settings": settings, "rows_read": read},
    )
    counts = IngestCounts(read, quarantined, merged["inserted"], merged["updated"])
    if counts.duplicates < 0:
        raise ContractError(f"feed slot {slot.name}: more events written than rows read: {counts.to_dict()}")
    log("slot ingested", slot=slot.name, **counts.to_dict())
    return counts


def _days_of(slot: Slot, parsed: DataFrame, config: Config) -> list[date]:
    """Return the event partitions that the slot's good rows can fall into."""
    if slot.day is None:
        days = parsed.where(F.col("reason").isNull()).select("dt").distinct().collect()
        return sorted(row["dt"] for row in days)
    ahead = math.ceil(config.feed.future_hours / 24)
    return [slot.day + timedelta(days=offset) for offset in range(-config.feed.late_days, ahead + 1)]


def write_quarantine(store: TableStore, slot: Slot, parsed: DataFrame) -> int:
    """Replace the slot's quarantine; return how many rows of the slot it holds now."""
    config = store.config
    day = slot.day or STATIC_QUARANTINE_DAY
    rows = (
        parsed.where(F.col("reason").isNotNull())
        .groupBy("source", "raw", "reason")
        .agg(F.count("*").alias("occurrences"))
        .select(
            F.lit(slot.name).alias("slot"),
            "source",
            F.substring(F.sha2(F.coalesce("raw", F.lit("")), 256), 1, 32).alias("row"),
            "raw",
            "reason",
            "occurrences",
            F.lit(config.run_id(day.isoformat())).alias("run_id"),
            F.lit(day).alias("dt"),
        )
    )
    store.replace_day(
        "quarantine", day, rows, {"step": "ingest", "slot": slot.name}, within={"slot": slot.name}
    )
    return occurrences(store.read("quarantine", [day]).where(F.col("slot") == slot.name))


def occurrences(quarantine: DataFrame) -> int:
    """Return how many rows of the feed some rows of ``quarantine`` stand for."""
    return int(quarantine.agg(F.coalesce(F.sum("occurrences"), F.lit(0)).alias("rows")).collect()[0]["rows"])
