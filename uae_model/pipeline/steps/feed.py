"""Slots of the feed of plays into ``events``, their bad rows into ``quarantine``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Dimension
from uae_model.core.errors import ContractError
from uae_model.core.logs import log_context, warn
from uae_model.ingest import distinct_events, outranks, parse_rows, read_slot
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.identity import read_key
from uae_model.ingest.parse import needed_columns
from uae_model.ingest.reports import read_once, rows_read, without_reports
from uae_model.ingest.thirty_music import DESCRIBING
from uae_model.lake import FEED, NO_DAY, DayState, TableStore, Unit
from uae_model.pipeline.step import Night, Outcome, Step
from uae_model.publication.checks import Check

STATIC_QUARANTINE_DAY = NO_DAY
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
        return IngestCounts(*(a + b for a, b in zip(self._numbers(), other._numbers(), strict=True)))

    def to_dict(self) -> dict[str, int]:
        """Return all counts."""
        return {**asdict(self), "duplicates": self.duplicates}

    def _numbers(self) -> tuple[int, ...]:
        return self.read, self.quarantined, self.inserted, self.updated

    @classmethod
    def of(cls, counts: Mapping[str, Any]) -> IngestCounts:
        """Return the counts that a slot's state holds."""
        return cls(*(int(counts.get(name, 0)) for name in ("read", "quarantined", "inserted", "updated")))


def slot_unit(slot: Slot) -> Unit:
    """Return the unit of a slot."""
    return Unit(FEED, slot.day or NO_DAY, slot.name)


def slot_of(night: Night, unit: Unit, dimension: Dimension | None = None) -> tuple[Feed, Slot]:
    """Return the slot of a unit and the feed that it is a part of."""
    feed = Feed(night.store.spark, night.config, dimension)
    return feed, next(slot for slot in feed.slots(unit.day) if slot.name == unit.part)


def require_key(night: Night, unit: Unit) -> None:
    """Raise ConfigError without an HMAC key."""
    read_key(night.config)


def slot_files(night: Night, unit: Unit, dimension: Dimension | None = None) -> dict[str, Any]:
    """Return the fingerprint of the slot's files."""
    feed, slot = slot_of(night, unit, dimension)
    with log_context(slot=slot.name):
        return {"files": feed.fingerprint(slot)}


def _units(night: Night) -> list[Unit]:
    """Return the night's slots, and those before that hold the rows of damaged days of events."""
    units = [slot_unit(slot) for slot in night.slots]
    feed = Feed(night.store.spark, night.config)
    days = sorted({day for damaged in _damaged_days(night) for day in _slot_days(damaged, night.config)})
    earlier = [slot for day in days for slot in feed.slots(day) if feed.is_complete(slot)]
    return sorted({*units, *map(slot_unit, earlier)} - set(units)) + units


def _damage(night: Night, unit: Unit) -> str | None:
    """Return what is wrong with a day of events whose rows the slot may hold."""
    for day, what in _damaged_days(night).items():
        if unit.day == NO_DAY or unit.day in _slot_days(day, night.config):
            return f"events {day} {what}; the slot is ingested again"
    return None


def _damaged_days(night: Night) -> dict[date, str]:
    days = [*night.earlier(), *night.days(), night.last + timedelta(days=1)]
    states = {day: night.states.get(Unit("events", day)) for day in days}
    told = {day: _what_is_wrong(night, state) for day, state in states.items() if state is not None}
    return {day: what for day, what in told.items() if what}


def _what_is_wrong(night: Night, state: DayState) -> str | None:
    if not state.is_accepted and not state.counts.get("by"):
        last = night.states.last_accepted(state.unit)
        before = f"{last.version} -> " if last else ""
        how = state.counts.get("operation", "a write")
        return f"was changed by another hand ({how}), version {before}{state.version}"
    if not night.store.has_files("events", state.unit.day) and state.counts.get("operation") != "DELETE":
        return "has lost its files"
    return None


def _slot_days(day: date, config: Config) -> list[date]:
    """Return the days of the slots that may hold events of a day."""
    return [day + timedelta(days=offset) for offset in range(-_days_ahead(config), config.feed.late_days + 1)]


def _finish(night: Night) -> None:
    """Take damaged days as they are now: all slots that are still delivered have been ingested again."""
    for day, what in _damaged_days(night).items():
        warn("events were restored from what the feed still holds", dt=day, damage=what)
        night.states.accept(Unit("events", day), {})


def _commit(night: Night, unit: Unit, record: dict[str, Any]) -> None:
    feed, slot = slot_of(night, unit)
    with log_context(slot=slot.name):
        _ingest(night, feed, slot, record)


def _ingest(night: Night, feed: Feed, slot: Slot, record: dict[str, Any]) -> None:
    config, store = night.config, night.store
    for day, what in _damaged_days(night).items():
        if what == "has lost its files":
            store.drop_day("events", day, {"lost": day.isoformat()})
    listing = feed.files(slot)
    rows = parse_rows(read_slot(store.spark, slot, config, listing), config, slot.day, read_key(config))
    with read_once(rows) as parsed:
        read = rows_read(
            slot.name,
            parsed,
            needed_columns(config),
            accept_empty=config.feed.accept_empty_slots,
            describing=DESCRIBING,
        )
        good = without_reports(parsed)
        # Both writes can be repeated, and events come last: their commit says that the slot is done.
        counts = {"read": read, "quarantined": write_quarantine(store, slot, parsed)}
        columns = store.contract("events").columns
        store.merge_new(
            "events",
            distinct_events(good, columns, config),
            days_of_slot(slot, good, config),
            outranks(columns, config),
            {**record, "counts": counts},
        )


def _check(night: Night, unit: Unit) -> Outcome:
    state = night.states.get(unit)
    counts = IngestCounts.of(state.counts if state else {})
    return Outcome(
        counts.to_dict(),
        [Check("no more events written than rows read", counts.duplicates >= 0, str(counts.to_dict()))],
    )


def days_of_slot(slot: Slot, parsed: DataFrame, config: Config) -> list[date]:
    """Return the event partitions that the slot's good rows can fall into."""
    if slot.day is None:
        days = parsed.where(F.col("reason").isNull()).select("dt").distinct().collect()
        return sorted(row["dt"] for row in days)
    last = _days_ahead(config)
    return [slot.day + timedelta(days=offset) for offset in range(-config.feed.late_days, last + 1)]


def _days_ahead(config: Config) -> int:
    """Return how many days past its own a slot's plays may start."""
    return math.ceil(config.feed.future_hours / 24)


def write_quarantine(store: TableStore, slot: Slot, parsed: DataFrame) -> int:
    """Replace the slot's quarantine; return how many rows of the slot it holds now.

    Raises:
        ContractError: if it holds another number of rows than could not be read.
    """
    config = store.config
    day = slot.day or STATIC_QUARANTINE_DAY
    rows = (
        parsed.where(F.col("reason").isNotNull())
        .groupBy("source", "raw", "reason", "value")
        .agg(F.count("*").alias("occurrences"))
        .select(
            F.lit(slot.name).alias("slot"),
            "source",
            F.substring(F.sha2(F.coalesce("raw", F.lit("")), 256), 1, 32).alias("row"),
            "raw",
            "reason",
            "value",
            "occurrences",
            F.lit(config.run_id(day.isoformat())).alias("run_id"),
            F.lit(day).alias("dt"),
        )
    )
    bad = parsed.where(F.col("reason").isNotNull()).count()
    store.replace_day(
        "quarantine", day, rows, {"step": "ingest", "slot": slot.name}, within={"slot": slot.name}
    )
    written = occurrences(store.read("quarantine", [day]).where(F.col("slot") == slot.name))
    if written != bad:
        raise ContractError(
            f"table quarantine, slot {slot.name}: holds {written} rows, {bad} could not be read; run it again"
        )
    return written


def occurrences(quarantine: DataFrame) -> int:
    """Return how many rows of the feed some rows of ``quarantine`` stand for."""
    return int(quarantine.agg(F.coalesce(F.sum("occurrences"), F.lit(0)).alias("rows")).collect()[0]["rows"])


SLOTS = Step(
    table=FEED,
    phase="ingest",
    units=_units,
    outside=slot_files,
    settings=lambda config: config.digest_of("feed", "labels", "features", "sessions"),
    requires=require_key,
    commit=_commit,
    check=_check,
    damage=_damage,
    finish=_finish,
)
