"""Slots of the feed of plays into ``events``, their bad rows into ``quarantine``."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Dimension
from uae_model.core.errors import ContractError
from uae_model.core.logs import log_context, warn
from uae_model.ingest import distinct_events, outranks
from uae_model.ingest.accounting import IngestCounts
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.forgotten import count_forgotten, remembered
from uae_model.ingest.keys import read_key
from uae_model.ingest.known_key import known_key, record_key
from uae_model.ingest.parse import needed_columns
from uae_model.ingest.quarantine import occurrences, quarantine_day, quarantine_rows, seal_former_rows
from uae_model.ingest.redelivery import RESTATED, WITHDRAWN
from uae_model.ingest.reports import rows_read, without_reports
from uae_model.ingest.slot import parsed_slot
from uae_model.ingest.thirty_music import DESCRIBING
from uae_model.lake import FEED, NO_DAY, TableStore, Unit
from uae_model.lake.contracts import FEED_SLOT
from uae_model.pipeline.step import Night, Outcome, Step
from uae_model.pipeline.steps.redelivery import Delivery, delivered_again
from uae_model.publication.checks import Check

LOST = "has lost its files"


def slot_unit(slot: Slot) -> Unit:
    """Return the unit of a slot."""
    return Unit(FEED, slot.day or NO_DAY, slot.name)


def slot_of(night: Night, unit: Unit, dimension: Dimension | None = None) -> tuple[Feed, Slot]:
    """Return the slot of a unit and the feed that it is a part of."""
    feed = Feed(night.store.spark, night.config, dimension)
    return feed, next(slot for slot in feed.slots(unit.day) if slot.name == unit.part)


def require_key(night: Night, unit: Unit) -> None:
    """Raise ConfigError without an HMAC key, or with another one than that of the tables."""
    known_key(night.store)


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
    damaged = _damaged_days(night, unit)
    return next((f"events {day} {what}; the slot is ingested again" for day, what in damaged.items()), None)


def _damaged_days(night: Night, slot: Unit | None = None) -> dict[date, str]:
    """Return the days of events that are not as they were written, of all days or of those of a slot."""
    days = [*night.earlier(), *night.days(), night.last + timedelta(days=1)]
    if slot is not None and slot.day != NO_DAY:
        days = [day for day in days if slot.day in _slot_days(day, night.config)]
    told = {day: _what_is_wrong(night, Unit("events", day)) for day in days}
    return {day: what for day, what in told.items() if what}


def _what_is_wrong(night: Night, unit: Unit) -> str | None:
    state = night.states.get(unit)
    if state is None or state.is_expired:
        return None
    is_lost = state.counts.get("operation") != "DELETE" and not night.store.has_files(unit.table, unit.day)
    return night.states.foreign_change(unit) or (LOST if is_lost else None)


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
        _ingest(night, feed, slot, unit, record)


def _ingest(night: Night, feed: Feed, slot: Slot, unit: Unit, record: dict[str, Any]) -> None:
    config, store = night.config, night.store
    for day, what in _damaged_days(night, unit).items():
        if what == LOST:
            store.drop_day("events", day, {"lost": day.isoformat()})
    key = read_key(config)
    with parsed_slot(store, feed, slot) as everything:
        read = rows_read(
            slot.name,
            everything,
            needed_columns(config),
            accept_empty=config.feed.accept_empty_slots,
            describing=DESCRIBING,
        )
        parsed, forgotten = remembered(everything), count_forgotten(everything)
        good = without_reports(parsed).withColumn(FEED_SLOT, F.lit(slot.name))
        columns = store.contract("events").columns
        brought = Delivery(distinct_events(good, columns, config), days_of_slot(slot, good, config))
        with _delivered(night, feed, slot, brought) as delivery:
            # Both writes can be repeated, and events come last: their commit says that the slot is done.
            record_key(store, "events", key)
            counts = {
                "read": read,
                "quarantined": write_quarantine(store, slot, parsed, key),
                "forgotten": forgotten,
                **delivery.counts,
            }
            _merge(store, delivery, {**record, "counts": counts})


def _delivered(night: Night, feed: Feed, slot: Slot, brought: Delivery) -> AbstractContextManager[Delivery]:
    """Return what a slot brings; of one that was ingested before also what it takes back."""
    if night.states.get(slot_unit(slot)) is None:
        return nullcontext(brought)

    def others(day: date) -> list[Slot]:
        slots = {other for near in _slot_days(day, night.config) for other in feed.slots(near)}
        return [
            other
            for other in slots - {slot}
            if night.states.get(slot_unit(other)) is not None and feed.is_complete(other)
        ]

    return delivered_again(night, feed, slot, brought, others)


def _merge(store: TableStore, delivery: Delivery, metadata: dict[str, Any]) -> None:
    # Rows from before there was the column may be of slots that nobody knows of: they stay without one.
    known = {FEED_SLOT: f"IF(old.{FEED_SLOT} IS NULL, NULL, new.{FEED_SLOT})"}
    update_when = outranks(store.contract("events").columns, store.config)
    if not delivery.is_again:
        store.merge_new("events", delivery.rows, delivery.days, update_when, metadata, changed=known)
        return
    store.merge_new(
        "events",
        delivery.rows,
        delivery.days,
        f"{update_when} OR new.{RESTATED}",
        metadata,
        helpers=(RESTATED, WITHDRAWN),
        delete_when=f"new.{WITHDRAWN}",
        changed=known,
    )


def _check(night: Night, unit: Unit) -> Outcome:
    state = night.states.get(unit)
    counts = IngestCounts.of(state.counts if state else {})
    told = counts.to_dict()
    return Outcome(told, [Check("no more events written than rows read", counts.remainder >= 0, str(told))])


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


def write_quarantine(store: TableStore, slot: Slot, parsed: DataFrame, key: bytes) -> int:
    """Replace the slot's quarantine; return how many rows of the slot it holds now.

    Raises:
        ContractError: if it holds another number of rows than could not be read.
    """
    day = quarantine_day(slot)
    seal_former_rows(store, key)
    rows = quarantine_rows(parsed, slot, store.config.run_id(day.isoformat()), key)
    bad = parsed.where(F.col("reason").isNotNull()).count()
    if not bad and store.states.get(Unit("quarantine", day)) is None:
        store.ensure("quarantine")
        return 0  # and the day never held any: there is nothing to replace
    store.replace_day(
        "quarantine", day, rows, {"step": "ingest", "slot": slot.name}, within={"slot": slot.name}
    )
    written = occurrences(store.read("quarantine", [day]).where(F.col("slot") == slot.name))
    if written != bad:
        raise ContractError(
            f"table quarantine, slot {slot.name}: holds {written} rows, {bad} could not be read; run it again"
        )
    return written


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
