"""The way of a day's rows from ``scores`` into ``weights``, which holds nothing but what is published."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame

from uae_model.lake import SECONDS, DayState, Unit
from uae_model.lake.copies import copy_day
from uae_model.pipeline.step import Night, Outcome
from uae_model.readers.spark_storage import damage_of


def in_scores(night: Night, state: DayState) -> DayState:
    """Return the state of a scored day; one from before there was table ``scores`` is copied into it."""
    if state.unit.table == "scores":
        return state
    store, unit = night.store, Unit("scores", state.unit.day)
    rows = store.read(state.table, [unit.day], version=store.states.seen(state.table))
    made_of = {} if state.inputs is None else {"unit": _named(unit), "inputs": state.inputs}
    known = {"step": "score", "settings": state.settings, "run": state.run_id, "counts": state.counts}
    store.replace_day(unit.table, unit.day, rows, {**made_of, **known})
    return store.states.accept(unit, {})


def copy_into_weights(night: Night, state: DayState, scores: DataFrame, record: dict[str, Any]) -> int:
    """Copy rows that have passed into ``weights``, in one commit; return its version.

    The files are copied, not the rows, wherever they can be. A copy of the same rows is kept that a run made
    which ended before its row of ``publications``.
    """
    store, unit = night.store, Unit("weights", state.unit.day)
    inputs = {str(state.unit): state.version}
    before = store.states.get(unit)
    if before is not None and not before.is_accepted and before.inputs == inputs:
        rows = {unit.day: state.counts["rows"]}
        if not damage_of(store.spark, store.path(unit.table), {unit.day: before.version}, rows):
            return before.version
    # What scoring took is no time of the copy.
    counts = {name: count for name, count in state.counts.items() if name != SECONDS}
    metadata = {**record, "unit": _named(unit), "inputs": inputs, "counts": counts}
    scored_in, read_at = state.unit.table, store.states.seen(state.unit.table)
    if not copy_day(store, scored_in, unit.table, unit.day, read_at, metadata):
        rows_there = int(state.counts.get("rows", 0))
        store.replace_day(unit.table, unit.day, scores, metadata, about_rows=rows_there)
    version = store.states.version(unit.table, unit.day)
    assert version is not None  # it was written
    return version


def accept_copy(night: Night, unit: Unit) -> Outcome:
    """Accept the day of ``weights`` that a publication pins; its rows were judged before they were copied."""
    weights = night.states.get(Unit("weights", unit.day))
    if weights is not None and str(Unit("scores", unit.day)) in (weights.inputs or {}):
        night.states.accept(weights.unit, {})
    return Outcome()


def damage_of_published(night: Night, unit: Unit) -> str | None:
    """Return what is wrong with the rows that readers of a published day are led to."""
    store, day = night.store, unit.day
    changed = night.states.foreign_change(Unit("weights", day))
    if changed:
        return f"weights {day} {changed}; it is published again"
    published = night.states.get(unit)
    if published is None or "delta_version" not in published.counts:
        return None
    pinned, rows = ({day: published.counts[name]} for name in ("delta_version", "row_count"))
    problems = damage_of(store.spark, store.path("weights"), pinned, rows)
    return f"what is published of it is damaged: {problems[day]}" if problems else None


def _named(unit: Unit) -> list[str]:
    """Return a unit as commits name it."""
    return [unit.table, unit.day.isoformat(), unit.part]
