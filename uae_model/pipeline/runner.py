"""The one runner of all steps: what is not current is built, checked, accepted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from uae_model.core.errors import ContractError, InputError
from uae_model.core.logs import log, log_context, timed
from uae_model.core.progress import progress
from uae_model.core.run_figures import measured
from uae_model.lake import NO_DAY, SECONDS, DayState, TableStore, Unit
from uae_model.pipeline.currency import Reason, beyond_retention, examine, expired_source
from uae_model.pipeline.step import NOTHING_ACCEPTED, Acceptance, Night, Step
from uae_model.pipeline.unit_metrics import tell_unit
from uae_model.registry.client import Registry


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
            with (
                timed(step.phase, took, table=step.table, units=len(units)),
                progress(f"{step.phase}: {step.table}", len(units), "done") as counter,
            ):
                for unit in units:
                    results.setdefault(step.table, []).append(_named(night, step, unit))
                    counter.advance()
                step.finish(night)
    return results


def _named(night: Night, step: Step, unit: Unit) -> Result:
    """Bring a unit up to date; its day stands in the log lines meanwhile, and in an error that it raises."""
    with log_context(**({} if unit.day == NO_DAY else {"dt": unit.day})):
        return bring_up(night, step, unit)


def build(
    store: TableStore,
    step: Step,
    day: date,
    registry: Registry | None = None,
    acceptance: Acceptance = NOTHING_ACCEPTED,
    reason: Reason | None = None,
) -> DayState:
    """Bring one day of one step up to date, and no other day; return its state.

    Args:
        store: the tables.
        step: what makes the day.
        day: of the step's table.
        registry: the models; opened where it is not given and the step needs them.
        acceptance: what a person overrules of a publication.
        reason: for which the day is built even where it is current.
    """
    night = Night(store, day, day, registry, reopens=False, acceptance=acceptance)
    with log_context(step=step.phase), measured(step.phase), night.states.kept():
        return bring_up(night, step, Unit(step.table, day), reason).state


def bring_up(night: Night, step: Step, unit: Unit, reason: Reason | None = None) -> Result:
    """Build a unit where it is not current, or a reason is given; check it, accept it.

    Raises:
        InputError: if something is missing that it is built from, such as rows that have expired.
    """
    expired = expired_source(night, step, unit)
    if expired is None:
        step.requires(night, unit)
    reason = reason or examine(night, step, unit)
    state = night.states.get(unit)
    if reason is None and state is not None:
        log("is current", unit=str(unit))
        tell_unit(step.phase, state)
        return Result(state, None)
    assert reason is not None
    if expired is not None and reason.action == "build":
        raise InputError(f"{unit} cannot be built: {reason.text}, but {beyond_retention(expired)}")
    log("is not current", unit=str(unit), reason=reason.text, action=reason.action)
    if reason.action == "note" and state is not None:
        noted = replace(state, inputs=step.inputs(night, unit))
        night.states.record(noted)
        tell_unit(step.phase, noted)
        return Result(noted, None)
    if reason.action == "wait" and state is not None:
        tell_unit(step.phase, state)
        return Result(state, None)
    if reason.action != "build":
        return Result(_accept(night, step, unit), reason)
    began = time.monotonic()
    step.commit(night, unit, _record(night, step, unit))
    return Result(_accept(night, step, unit, began), reason)


def _record(night: Night, step: Step, unit: Unit) -> dict[str, Any]:
    """Return what the commit of a unit carries, so that it can be told later what it was built from."""
    return {
        "step": step.phase,
        "unit": [unit.table, unit.day.isoformat(), unit.part],
        "inputs": step.inputs(night, unit),
        "settings": step.settings(night.config),
        "run": night.config.run_id(unit.day.isoformat()),
    }


def _accept(night: Night, step: Step, unit: Unit, began: float | None = None) -> DayState:
    """Check a unit and accept it, with the seconds since its build ``began``: the report shows them."""
    outcome = step.check(night, unit)
    failed = [check for check in outcome.checks if not check.passed]
    if not failed:
        took = {} if began is None else {SECONDS: round(time.monotonic() - began, 2)}
        state = night.states.accept(unit, {**outcome.counts, **took}, tuple(map(str, outcome.checks)))
        log("is accepted", unit=str(unit), version=state.version, **state.counts)
        tell_unit(step.phase, state)
        return state
    state = night.states.get(unit)  # type: ignore[assignment]  # it was committed
    is_undone = night.store.undo(state.written_to, state.version)
    raise ContractError(
        f"table {state.written_to}, {unit}, version {state.version} was not accepted: "
        f"{'; '.join(str(check) for check in failed)}; "
        + ("the table is as it was before, and the next run tries again" if is_undone else "no step reads it")
    )
