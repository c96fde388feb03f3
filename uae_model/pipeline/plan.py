"""What a night would build and why, told without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uae_model.lake import FEED, NO_DAY, Unit
from uae_model.pipeline.currency import Reason, beyond_retention, examine, expired_source
from uae_model.pipeline.step import Night, Step

ACTIONS = {
    "build": "",
    "check": " (only its checks)",
    "note": " (only the memory)",
    "wait": " (waits, feed.reopen = weekly)",
}


@dataclass(frozen=True)
class Planned:
    """A unit that is not current; ``expired`` is what it cannot be built from any more."""

    step: Step
    unit: Unit
    reason: Reason
    expired: Unit | None = None

    def __str__(self) -> str:
        return f"{self.unit}: {self.reason.text}{ACTIONS[self.reason.action]}"


def plan(night: Night, steps: Sequence[Step]) -> list[Planned]:
    """Return the units that a run of these steps would build, in its order.

    A unit that would be built counts as changed for all that read it. Which earlier days the late rows of a
    slot reach is only known once it has been ingested, and is not guessed.
    """
    planned = []
    for step in steps:
        for unit in step.units(night):
            reason = examine(night, step, unit)
            if reason is None:
                continue
            expired = expired_source(night, step, unit) if reason.action == "build" else None
            planned.append(Planned(step, unit, reason, expired))
            if reason.action == "build" and expired is None:
                night.planned.add(unit)
                if unit.table == FEED and unit.day != NO_DAY:
                    night.planned.add(Unit("events", unit.day))
    return planned


def expired_notices(planned: Sequence[Planned]) -> list[str]:
    """Return a line for each unit that is not current and stays so, since what it reads has expired."""
    return [f"{item}, but {beyond_retention(item.expired)}" for item in planned if item.expired is not None]


def late_notice(night: Night, planned: Sequence[Planned]) -> str | None:
    """Return which earlier days late rows may reopen, if slots of the feed are to be ingested."""
    if not any(item.unit.table == FEED for item in planned) or not night.earlier():
        return None
    return (
        f"late rows of these slots may reopen days from {night.earlier()[0]} on; "
        "which ones is known once they are ingested"
    )
