"""Slots of a dimension's feed into its table, ``users`` or ``songs``."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Dimension
from uae_model.core.dates import days_between
from uae_model.core.logs import log_context, warn
from uae_model.features.dimensions import changed_versions, statement_count
from uae_model.ingest.accounting import StatementCounts
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.forgotten import count_forgotten, forgotten_digests, remembered
from uae_model.ingest.keys import read_key
from uae_model.ingest.known_key import record_key
from uae_model.ingest.reports import ParsedArrivals, read_once, require_all, without_reports
from uae_model.ingest.statements import needed_statement_columns, parse_statements, read_statements
from uae_model.lake import FEED, TableStore, Unit
from uae_model.pipeline.step import Night, Outcome, Step
from uae_model.pipeline.steps.feed import require_key, slot_files, slot_of, slot_unit, write_quarantine
from uae_model.publication.checks import Check
from uae_model.sessions.cut import event_days


def complete_slots(store: TableStore, dimension: Dimension, first: date, last: date) -> list[Slot]:
    """Return the complete slots of a dimension in a range of days; gaps do not matter."""
    feed = Feed(store.spark, store.config, dimension)
    days = [last] if feed.is_static else days_between(first, last)
    return [slot for day in days for slot in feed.slots(day) if feed.is_complete(slot)]


def dimension_steps(config: Config) -> list[Step]:
    """Return a step for each declared dimension."""
    return [
        Step(
            table=FEED,
            phase="ingest",
            units=partial(_units, dimension),
            outside=partial(slot_files, dimension=dimension),
            settings=partial(_settings, dimension),
            requires=require_key,
            commit=partial(_commit, dimension),
            check=partial(_check, dimension),
        )
        for dimension in config.dimensions
    ]


def _units(dimension: Dimension, night: Night) -> list[Unit]:
    """Return the complete slots that the days may read.

    Slots are looked for from ``feed.late_days`` before the first day, so that one delivered late is found,
    up to the end of the last day's sessions. A missing slot stops nothing: what is known holds on, and the
    slot is found by a later night.
    """
    config = night.config
    earliest, latest = night.first, night.last
    if night.reopens:
        earliest -= timedelta(days=config.feed.late_days)
        latest = event_days(latest, config)[-1]
    slots = complete_slots(night.store, dimension, earliest, latest)
    if not slots:
        warn("no slot of the dimension is delivered", dimension=dimension.table, feed=dimension.feed)
    return [slot_unit(slot) for slot in slots]


def _settings(dimension: Dimension, config: Config) -> str:
    return config.dimension_digest(dimension)


def _commit(dimension: Dimension, night: Night, unit: Unit, record: dict[str, Any]) -> None:
    feed, slot = slot_of(night, unit, dimension)
    with log_context(slot=slot.name):
        _ingest(dimension, night.store, feed, slot, record)


def _ingest(dimension: Dimension, store: TableStore, feed: Feed, slot: Slot, record: dict[str, Any]) -> None:
    name, key = dimension.table, read_key(store.config)
    store.ensure(name)
    listing = feed.files(slot)
    rows = read_statements(store.spark, slot, dimension, listing)
    with read_once(parse_statements(rows, dimension, key, forgotten_digests(store))) as everything:
        # Attributes change seldom: a delivery of columns without a row says that nothing has changed.
        read = require_all(
            slot.name,
            ParsedArrivals(everything),
            needed_statement_columns(dimension),
            accept_empty=store.config.feed.accept_empty_slots,
            accept_header=True,
        )
        parsed, forgotten = remembered(everything), count_forgotten(everything)
        # Both writes can be repeated, and the table comes last: its commit says that the slot is done.
        if dimension.entity == "user":
            record_key(store, name, key)
        bad_rows = parsed.where(F.col("reason").isNotNull())
        quarantined = write_quarantine(store, slot, bad_rows, bad_rows.count(), key)
        counts = {
            "read": read,
            "quarantined": quarantined,
            "forgotten": forgotten,
            "statements_before": _statements(store, name),
        }
        good = (
            without_reports(parsed).where(F.col("reason").isNull()).drop("source", "raw", "reason", "value")
        )
        held = store.read(name).select(store.contract(name).columns)
        store.merge_changes(name, changed_versions(held, good, dimension), {**record, "counts": counts})


def _check(dimension: Dimension, night: Night, unit: Unit) -> Outcome:
    state = night.states.get(unit)
    told = state.counts if state else {}
    added = _statements(night.store, dimension.table) - int(told.get("statements_before", 0))
    counts = StatementCounts.of({**told, "added": added})
    adds_up = counts.added >= 0 and counts.remainder >= 0
    return Outcome(counts.to_dict(), [Check("statements add up", adds_up, str(counts.to_dict()))])


def _statements(store: TableStore, name: str) -> int:
    return int(store.read(name).agg(statement_count()).collect()[0][0])
