"""From a published day back to the files of the feed: every version and digest on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from uae_model.core.digests import CONTENT_DIGITS, json_digest
from uae_model.lake import FEED, TABLES, DayState, Unit
from uae_model.pipeline.step import Night

ORDER = (
    *(FEED, "events", "users", "songs", "plays", "feature_partials", "features", "models", "scores"),
    "weights",
)


def lineage(night: Night, day: date) -> list[DayState]:
    """Return what a day's weights were built from, the feed's slots first, the publication last."""
    states: dict[Unit, DayState] = {}
    slots = night.states.of_table(FEED)
    for table in ("publications", "weights"):
        _collect(night, Unit(table, day), states, slots)
    return sorted(states.values(), key=lambda state: (_place(state), state.unit))


def chain_digest(night: Night, day: date) -> str:
    """Return the digest of all that a day's weights were built from, which its publication carries."""
    chain = [link(state) for state in lineage(night, day) if state.unit.table != "publications"]
    return json_digest(chain, CONTENT_DIGITS)


def link(state: DayState) -> dict[str, Any]:
    """Return what names a unit in a chain: its version, inputs and settings."""
    return {
        "unit": str(state.unit),
        "version": state.version,
        "inputs": state.inputs,
        "settings": state.settings,
        "models": state.counts.get("models"),
    }


def _collect(night: Night, unit: Unit, states: dict[Unit, DayState], slots: Sequence[DayState]) -> None:
    state = night.states.get(unit)
    if state is None or state.unit in states:
        return
    states[state.unit] = state
    for source in _sources(night, state, slots):
        # The day before tells how its sessions ended; what it was built from is its own chain.
        is_day_before = unit.table == "plays" and source.table == "plays"
        before = night.states.get(source) if is_day_before else None
        if before is not None:
            states.setdefault(source, before)
        elif not is_day_before:
            _collect(night, source, states, slots)


def _sources(night: Night, state: DayState, slots: Sequence[DayState]) -> Iterator[Unit]:
    if state.unit.table in ("events", "users", "songs"):
        reach = night.config.feed.late_days + 1 if state.unit.table == "events" else math.inf
        for slot in slots:
            is_near = abs((slot.unit.day - state.unit.day).days) <= reach
            if slot.written_to == state.unit.table and slot.version <= state.version and is_near:
                yield slot.unit
        return
    for name in state.inputs or {}:
        table, _, day = name.partition(" ")
        if table == "model":
            yield from _trained(night, str((state.inputs or {})["model"]))
        elif table in TABLES:
            yield Unit(table, date.fromisoformat(day)) if day else Unit(table)


def _trained(night: Night, model: str) -> Iterator[Unit]:
    for state in night.states.of_table("models"):
        if "/".join(map(str, state.counts.get("models", ()))) == model:
            yield state.unit


def _place(state: DayState) -> int:
    return ORDER.index(state.unit.table) if state.unit.table in ORDER else len(ORDER)
