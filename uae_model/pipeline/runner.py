"""The one runner of all steps, and the one place that decides whether a unit is current."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import Any, Literal

from uae_model.core.errors import ContractError
from uae_model.core.logs import log, timed
from uae_model.lake import DayState, TableStore, Unit
from uae_model.pipeline.step import Night, Step
from uae_model.registry.client import Registry


@dataclass(frozen=True)
class Reason:
    """Why a unit is not current, and what will be done.

    ``check``: its rows are there, only their checks are missing. ``note``: what it reads has changed, but
    nothing of what concerns it, so only the memory is brought up to date.
    """

    text: str
    action: Literal["build", "check", "note"] = "build"


@dataclass(frozen=True)
class Result:
    """A unit's state, and why it had to be built; None where it was current."""

    state: DayState
    reason: Reason | None


Results = dict[str, list[Result]]


def run_steps(night: Night, steps: Sequence[Step], seconds: dict[str, float] | None = None) -> Results:
    """Bring the units of some steps up to date, step by step; return their states by table.

    Raises:
        ContractError: if a unit fails its checks; its table is then as it was before.
        InputError: if something that a step needs is missing.
    """
    took = {} if seconds is None else seconds
    results: Results = {}
    with night.states.kept():
        for step in steps:
            units = step.units(night)
            if not units:
                continue
            with timed(step.phase, took, table=step.table, units=len(units)):
                results.setdefault(step.table, []).extend(bring_up(night, step, unit) for unit in units)
                step.finish(night)
    return results


def build(store: TableStore, step: Step, day: date, registry: Registry | None = None) -> DayState:
    """Bring one day of one step up to date, and no other day; return its state."""
    night = Night(store, day, day, registry, reopens=False)
    with night.states.kept():
        return bring_up(night, step, Unit(step.table, day)).state


def bring_up(night: Night, step: Step, unit: Unit) -> Result:
    """Build a unit where it is not current, check it, accept it."""
    step.requires(night, unit)
    reason = examine(night, step, unit)
    state = night.states.get(unit)
    if reason is None and state is not None:
        log("is current", unit=str(unit))
        return Result(state, None)
    assert reason is not None
    log("is not current", unit=str(unit), reason=reason.text, action=reason.action)
    if reason.action == "note" and state is not None:
        noted = replace(state, inputs=step.inputs(night, unit))
        night.states.record(noted)
        return Result(noted, None)
    if reason.action == "build":
        step.commit(night, unit, _record(night, step, unit))
    return Result(_accept(night, step, unit), reason)


def examine(night: Night, step: Step, unit: Unit, *, with_undated: bool = True) -> Reason | None:
    """Return why a unit is not current; None if it is. Tables without days may be left out."""
    state = night.states.get(unit)
    if state is None:
        return Reason("was never built")
    reasons = _reasons(night, step, unit, state)
    if with_undated:
        reasons = chain(reasons, _changed_undated(night, step, unit, state))
    first = next(reasons, None)
    if first is None and not state.is_accepted:
        return Reason("the run that built it ended before its checks", "check")
    return first


def _reasons(night: Night, step: Step, unit: Unit, state: DayState) -> Iterator[Reason]:
    damage = step.damage(night, unit)
    if damage:
        yield Reason(damage)
    if _is_lost(night, unit, state):
        yield Reason("its files are gone; the rows are built again")
    changed = night.states.foreign_change(unit)
    if changed:
        yield Reason(f"{changed}; it is built again")
    if state.settings and state.settings != step.settings(night.config):
        yield Reason("its settings have changed")
    yield from (Reason(text) for text in _changed_inputs(night, step, unit, state))


def _is_lost(night: Night, unit: Unit, state: DayState) -> bool:
    """Tell whether a day's rows are in the table's log but no more on its storage."""
    return bool(state.counts.get("rows")) and not night.store.has_files(unit.table, unit.day)


def _changed_inputs(night: Night, step: Step, unit: Unit, state: DayState) -> Iterator[str]:
    for read in step.reads(unit.day, night.config):
        if read in night.planned:
            yield f"{read} is built before it"
            return
    if state.inputs is None:
        # Taken over from before there was a memory: what changed after its own commit is newer than it.
        for read in step.reads(unit.day, night.config):
            then = night.states.get(read)
            if then is not None and then.committed_ms > state.committed_ms:
                yield f"{read} changed after it, version {then.version}"
        return
    pinned = step.pinned if unit.day < night.first else frozenset()
    apart = pinned.union(step.undated(night.config))
    now = step.inputs(night, unit)
    for name in sorted({*now, *state.inputs} - apart):
        if now.get(name) != state.inputs.get(name):
            yield _difference(name, state.inputs.get(name), now.get(name))


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


def _record(night: Night, step: Step, unit: Unit) -> dict[str, Any]:
    """Return what the commit of a unit carries, so that it can be told later what it was built from."""
    return {
        "step": step.phase,
        "unit": [unit.table, unit.day.isoformat(), unit.part],
        "inputs": step.inputs(night, unit),
        "settings": step.settings(night.config),
        "run": night.config.run_id(unit.day.isoformat()),
    }


def _accept(night: Night, step: Step, unit: Unit) -> DayState:
    outcome = step.check(night, unit)
    failed = [check for check in outcome.checks if not check.passed]
    if not failed:
        state = night.states.accept(unit, outcome.counts, tuple(map(str, outcome.checks)))
        log("is accepted", unit=str(unit), version=state.version, **state.counts)
        return state
    state = night.states.get(unit)  # type: ignore[assignment]  # it was committed
    is_undone = night.store.undo(state.written_to, state.version)
    raise ContractError(
        f"table {state.written_to}, {unit}, version {state.version} was not accepted: "
        f"{'; '.join(str(check) for check in failed)}; "
        + ("the table is as it was before, and the next run tries again" if is_undone else "no step reads it")
    )
