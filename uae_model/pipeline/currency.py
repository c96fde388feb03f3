"""The one place that decides whether a unit is current, and tells why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from uae_model.lake import DayState, Unit
from uae_model.pipeline.step import Night, Step


@dataclass(frozen=True)
class Reason:
    """Why a unit is not current, and what will be done.

    ``check``: its rows are there, only their checks are missing. ``note``: what it reads has changed, but
    nothing of what concerns it, so only the memory is brought up to date. ``wait``: late events change it,
    and it stays as it is until they do not wait any more.
    """

    text: str
    action: Literal["build", "check", "note", "wait"] = "build"


def examine(night: Night, step: Step, unit: Unit, *, with_undated: bool = True) -> Reason | None:
    """Return why a unit is not current; None if it is. Tables without days may be left out.

    A unit whose rows have expired is current: nobody wants them back.
    """
    state = night.states.get(unit)
    if state is None:
        return Reason("was never built")
    if state.is_expired:
        return None
    reasons = _reasons(night, step, unit, state)
    if with_undated:
        reasons = chain(reasons, _changed_undated(night, step, unit, state))
    first = next(reasons, None)
    if first is None and not state.is_accepted:
        return Reason("the run that built it ended before its checks", "check")
    return first


def expired_source(night: Night, step: Step, unit: Unit) -> Unit | None:
    """Return what a unit would be built from whose rows have expired; None if all of it is there."""
    for source in step.reads(unit.day, night.config):
        state = night.states.get(source)
        if state is not None and state.is_expired:
            return source
    return None


def beyond_retention(expired: Unit) -> str:
    """Return that rows have expired, as the end of a sentence."""
    setting = f"retention.{expired.table}_days"
    return f"the rows of {expired} have expired ({setting}); what is there stays as it is"


def _reasons(night: Night, step: Step, unit: Unit, state: DayState) -> Iterator[Reason]:
    damage = step.damage(night, unit)
    if damage:
        yield Reason(damage)
    if _is_lost(night, state):
        yield Reason("its files are gone; the rows are built again")
    changed = night.states.foreign_change(unit)
    if changed:
        yield Reason(f"{changed}; it is built again")
    if state.settings and state.settings != step.settings(night.config):
        yield Reason("its settings have changed")
    yield from _changed_inputs(night, step, unit, state)


def _is_lost(night: Night, state: DayState) -> bool:
    """Tell whether a day's rows are in the table's log but no more on its storage."""
    return bool(state.counts.get("rows")) and not night.store.has_files(state.unit.table, state.unit.day)


def _changed_inputs(night: Night, step: Step, unit: Unit, state: DayState) -> Iterator[Reason]:
    for read in step.reads(unit.day, night.config):
        if read in night.planned:
            yield Reason(f"{read} is built before it")
            return
    if state.inputs is None:
        # Taken over from before there was a memory: what changed after its own commit is newer than it.
        for read in step.reads(unit.day, night.config):
            then = night.states.get(read)
            if then is not None and then.committed_ms > state.committed_ms:
                yield Reason(f"{read} changed after it, version {then.version}")
        return
    pinned = step.pinned if unit.day < night.first else frozenset()
    apart = pinned.union(step.undated(night.config))
    now = step.inputs(night, unit)
    before = state.inputs
    changed = [name for name in sorted({*now, *before} - apart) if now.get(name) != before.get(name)]
    action: Literal["build", "wait"] = "wait" if _may_wait(night, unit, changed) else "build"
    for name in changed:
        yield Reason(_difference(name, before.get(name), now.get(name)), action)


def _may_wait(night: Night, unit: Unit, changed: Sequence[str]) -> bool:
    """Tell whether nothing but events has changed of what an earlier day was built from, and they wait."""
    if unit.day >= night.first or not all(name.startswith("events ") for name in changed):
        return False
    return bool(changed) and night.late.is_waiting


def _changed_undated(night: Night, step: Step, unit: Unit, state: DayState) -> Iterator[Reason]:
    for table in step.undated(night.config):
        now = night.states.get(Unit(table))
        if now is None:
            continue
        if state.inputs is None:
            has_changed = now.committed_ms > state.committed_ms
        else:
            has_changed = state.inputs.get(table) != now.version
        if has_changed:
            told = _difference(table, (state.inputs or {}).get(table), now.version)
            concerns = state.counts.get("relevant") != step.relevant(night, unit)
            yield Reason(told) if concerns else Reason(f"{told}; none of it concerns the day", "note")
            return


def _difference(name: str, before: Any, now: Any) -> str:
    if before is None:
        return f"{name} is new, version {now}"
    if now is None:
        return f"{name} is gone, version {before} was read"
    return f"{name} changed, version {before} -> {now}"
