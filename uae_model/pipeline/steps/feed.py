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
from uae_model.ingest import outranks
from uae_model.ingest.accounting import IngestCounts
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.keys import read_key
from uae_model.ingest.known_key import known_key, record_key
from uae_model.ingest.novelty import EachOnce, each_once, held_already, outranking, repeated_ids
from uae_model.ingest.packed import PackedSlot
from uae_model.ingest.parse import needed_columns
from uae_model.ingest.quarantine import occurrences, quarantine_day, quarantine_rows, seal_former_rows
from uae_model.ingest.redelivery import RESTATED, WITHDRAWN
from uae_model.ingest.reports import kept, require_all
from uae_model.ingest.resolve import KEY
from uae_model.ingest.slot import packed_slot
from uae_model.ingest.thirty_music import DESCRIBING
from uae_model.lake import FEED, MANY_ROWS, NO_DAY, TableStore, Unit
from uae_model.lake.added import append_files, file_form
from uae_model.lake.contracts import FEED_SLOT
from uae_model.pipeline.step import Night, Outcome, Step
from uae_model.pipeline.steps.redelivery import Delivery, delivered_again
from uae_model.publication.checks import Check

LOST = "has lost its files"

# Rows from before there was the column may be of slots that nobody knows of: they stay without one.
KNOWN_SLOT = {FEED_SLOT: f"IF(old.{FEED_SLOT} IS NULL, NULL, new.{FEED_SLOT})"}


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
    columns = store.contract("events").columns
    with packed_slot(store, feed, slot) as brought:
        read = require_all(
            slot.name,
            brought,
            needed_columns(config),
            accept_empty=config.feed.accept_empty_slots,
            describing=DESCRIBING,
        )
        repeated = repeated_ids(brought.events(["event_id"]), sum(brought.days.values()))
        once = each_once(brought, repeated, slot.name, columns, config)
        first = Delivery(once.rows, days_of_slot(slot, brought, config))
        with _delivered(night, feed, slot, first) as delivery:
            # Both writes can be repeated, and events come last: their commit says that the slot is done.
            record_key(store, "events", key)
            counts = {
                "read": read,
                "quarantined": write_quarantine(store, slot, brought.bad_rows, brought.bad, key),
                "forgotten": brought.forgotten,
                **delivery.counts,
            }
            _write(store, once, delivery, {**record, "counts": counts})


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


def _write(store: TableStore, once: EachOnce, delivery: Delivery, metadata: dict[str, Any]) -> None:
    """Write what a slot brings, in one commit: new rows are added, others merged where they rank higher."""
    if delivery.is_again:
        update_when = f"{outranks(store.contract('events').columns, store.config)} OR new.{RESTATED}"
        store.merge_new(
            "events",
            delivery.rows,
            delivery.days,
            update_when,
            metadata,
            helpers=(RESTATED, WITHDRAWN),
            delete_when=f"new.{WITHDRAWN}",
            changed=KNOWN_SLOT,
        )
        return
    store.ensure("events")
    brought = once.good
    held_days = [day for day in brought.days if store.has_files("events", day)]
    if not held_days:
        _append(store, once, metadata)
        return
    held = store.read("events", held_days)
    keys = brought.events(KEY).where(F.col("dt").isin(held_days))
    keys_count = sum(brought.days[day] for day in held_days)
    with kept(held_already(keys, held.select(*KEY), keys_count, held.count()).distinct()) as known:
        if not known.count():
            _append(store, once, metadata)
            return
        _write_beside(store, once.rows, held, known, metadata, sum(brought.days.values()))


def _append(store: TableStore, once: EachOnce, metadata: dict[str, Any]) -> None:
    """Add rows of events that the table does not hold; tasks write files of many by Arrow, where they can."""
    about_rows = sum(once.good.days.values())
    form = file_form(store, "events") if about_rows >= MANY_ROWS else None
    if form is None:
        store.append("events", once.rows, metadata, about_rows=about_rows)
    else:
        append_files(store, "events", once.write_files(form), metadata)


def _write_beside(
    store: TableStore,
    rows: DataFrame,
    held: DataFrame,
    known: DataFrame,
    metadata: dict[str, Any],
    about_rows: int,
) -> None:
    """Write rows of which the table holds some events already, the ``known`` ones."""
    columns = store.contract("events").columns
    fresh = rows.join(known, list(KEY), "left_anti")
    of_known = rows.join(known, list(KEY), "left_semi")
    with kept(
        outranking(of_known, held.join(known, list(KEY), "left_semi"), columns, store.config)
    ) as better:
        days = sorted(row["dt"] for row in better.select("dt").distinct().collect())
        if not days:
            store.append("events", fresh, metadata, about_rows=about_rows)
            return
        update_when = outranks(columns, store.config)
        store.merge_new("events", fresh.unionByName(better), days, update_when, metadata, changed=KNOWN_SLOT)


def _check(night: Night, unit: Unit) -> Outcome:
    state = night.states.get(unit)
    counts = IngestCounts.of(state.counts if state else {})
    told = counts.to_dict()
    return Outcome(told, [Check("no more events written than rows read", counts.remainder >= 0, str(told))])


def days_of_slot(slot: Slot, brought: PackedSlot, config: Config) -> list[date]:
    """Return the event partitions that the slot's good rows can fall into."""
    if slot.day is None:
        return sorted(brought.days)
    last = _days_ahead(config)
    return [slot.day + timedelta(days=offset) for offset in range(-config.feed.late_days, last + 1)]


def _days_ahead(config: Config) -> int:
    """Return how many days past its own a slot's plays may start."""
    return math.ceil(config.feed.future_hours / 24)


def write_quarantine(store: TableStore, slot: Slot, bad_rows: DataFrame, bad: int, key: bytes) -> int:
    """Replace the slot's quarantine; return how many rows of the slot it holds now.

    Args:
        store: the tables.
        slot: the slot.
        bad_rows: ``source``, ``raw``, ``reason`` and ``value`` of the rows that could not be read.
        bad: how many there are.
        key: the HMAC key.

    Raises:
        ContractError: if it holds another number of rows than could not be read.
    """
    day = quarantine_day(slot)
    seal_former_rows(store, key)
    if not bad and store.states.get(Unit("quarantine", day)) is None:
        store.ensure("quarantine")
        return 0  # and the day never held any: there is nothing to replace
    rows = quarantine_rows(bad_rows, slot, store.config.run_id(day.isoformat()), key)
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
