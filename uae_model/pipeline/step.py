"""What a step of the night declares; the runner and the plan do the rest.

A step makes units: a day of a table, or a slot of the feed. It says what a unit reads, which settings count,
how its rows are written and which checks they must pass. Whether a unit is current is decided in one place,
``uae_model.pipeline.currency.examine``, from these declarations and the memory in ``day_states``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame

from uae_model.config import Config
from uae_model.core.dates import days_between
from uae_model.core.errors import InputError
from uae_model.ingest.feed import Slot
from uae_model.lake import DayState, DayStates, TableStore, Unit
from uae_model.pipeline.late_events import LateEvents, late_events
from uae_model.publication.checks import Check
from uae_model.registry.client import Champion, Registry


@dataclass(frozen=True)
class Acceptance:
    """Failed checks of a publication that a person overrules, by their codes, and why.

    ``is_carried``: they were overruled when the day was published before, so some may not fail any more.
    """

    codes: tuple[str, ...] = ()
    reason: str | None = None
    is_carried: bool = False


NOTHING_ACCEPTED = Acceptance()


@dataclass
class Night:
    """What steps work with: the tables, the models, the days that are asked for.

    Attributes:
        store: the tables.
        first: the first day that is asked for.
        last: the last one.
        registry: the models; None where no step needs them.
        slots: the complete slots of the feed of plays that close the days.
        reopens: whether days before ``first`` that have changed are built too.
        accepts_withdrawn: whether a slot that was delivered again may take back any share of its events.
        planned: units that a plan would build, though it has not.
        acceptance: what a person overrules of the publications of this night.
    """

    store: TableStore
    first: date
    last: date
    registry: Registry | None = None
    slots: Sequence[Slot] = ()
    reopens: bool = True
    accepts_withdrawn: bool = False
    planned: set[Unit] = field(default_factory=set)
    acceptance: Acceptance = NOTHING_ACCEPTED

    @property
    def config(self) -> Config:
        """The settings."""
        return self.store.config

    @property
    def states(self) -> DayStates:
        """The memory."""
        return self.store.states

    @property
    def models(self) -> Registry:
        """The registry, opened where it was not given."""
        if self.registry is None:
            self.registry = Registry(self.config)
        return self.registry

    @cached_property
    def champion(self) -> Champion:
        """The pair that scores, resolved once."""
        return self.models.champion()

    def knows(self, table: str, day: date) -> bool:
        """Tell whether a day is there, or would be once the plan has been carried out."""
        unit = Unit(table, day)
        return unit in self.planned or self.states.get(unit) is not None

    def days(self) -> list[date]:
        """Return the days that are asked for."""
        return list(days_between(self.first, self.last))

    def earlier(self) -> list[date]:
        """Return the days before, oldest first, that late events and changed settings may reopen."""
        return days_in_reach(self.first, self.config) if self.reopens else []

    @cached_property
    def late(self) -> LateEvents:
        """What has changed in the events of the days in reach since their sessions were cut.

        To be asked once the feed has been ingested, as all steps that read events do.
        """
        return late_events(self.store, self.earlier())

    def row_count(self, table: str, day: date) -> int:
        """Return the rows of a day, as its commit counted them."""
        state = self.states.get(Unit(table, day))
        if state is not None and "rows" in state.counts:
            return int(state.counts["rows"])
        return self.store.read(table, [day]).count()


def days_in_reach(day: date, config: Config) -> list[date]:
    """Return the days before ``day``, oldest first, that late events of its feed can change."""
    return [day - timedelta(days=back) for back in range(config.feed.reach_days, 0, -1)]


Units = Callable[[Night], list[Unit]]
Commit = Callable[[Night, Unit, dict[str, Any]], None]


@dataclass(frozen=True)
class Outcome:
    """What a step finds when it looks at what it committed."""

    counts: dict[str, Any] = field(default_factory=dict)
    checks: Sequence[Check] = ()


def _nothing(*_: Any) -> Any:
    return None


def _no_check(night: Night, unit: Unit) -> Outcome:
    return Outcome()


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of the night.

    Attributes:
        table: of its units.
        phase: the part of the night that its time counts to.
        units: what a night looks at, in the order in which it is built.
        settings: digest of the settings that count.
        commit: writes the unit's rows with a record of what they were built from, in one commit.
        reads: the days of tables that a unit is built from.
        outside: what else it is built from, name -> version: the feed's files, the model.
        pinned: names in ``outside`` by which no earlier day is reopened.
        undated: tables without days that it reads.
        relevant: digest of what a unit reads of these, so that other rows of them reopen nothing.
        check: counts and checks of what was committed, before it is accepted.
        requires: raises InputError where a unit cannot be built.
        damage: what is wrong that no input tells, as text.
        finish: called once all units are accepted.
    """

    table: str
    phase: str
    units: Units
    settings: Callable[[Config], str]
    commit: Commit
    reads: Callable[[date, Config], Sequence[Unit]] = lambda day, config: ()
    outside: Callable[[Night, Unit], Mapping[str, Any]] = lambda night, unit: {}
    pinned: frozenset[str] = frozenset()
    undated: Callable[[Config], Sequence[str]] = lambda config: ()
    relevant: Callable[[Night, Unit], str] = lambda night, unit: ""
    check: Callable[[Night, Unit], Outcome] = _no_check
    requires: Callable[[Night, Unit], None] = _nothing
    damage: Callable[[Night, Unit], str | None] = _nothing
    finish: Callable[[Night], None] = _nothing

    def inputs(self, night: Night, unit: Unit) -> dict[str, Any]:
        """Return what the unit would be built from now: name -> the version that last changed it."""
        dated = [*self.reads(unit.day, night.config), *map(Unit, self.undated(night.config))]
        states = [(source, night.states.get(source)) for source in dated]
        versions = {str(state.unit): state.version for _, state in states if state is not None}
        return {**versions, **self.outside(night, unit)}


def replaces(
    rows: Callable[[Night, date], tuple[DataFrame, dict[str, Any]]], about_as_many_as: str = ""
) -> Commit:
    """Return the commit of a step that replaces a day by rows.

    Args:
        rows: gives these and what it counted.
        about_as_many_as: a table that has about as many rows of the day.
    """

    def commit(night: Night, unit: Unit, record: dict[str, Any]) -> None:
        frame, counts = rows(night, unit.day)
        about_rows = night.row_count(about_as_many_as, unit.day) if about_as_many_as else 0
        night.store.replace_day(
            unit.table, unit.day, frame, {**record, "counts": counts}, about_rows=about_rows
        )

    return commit


def built_before(table: str) -> Units:
    """Return the units of a table for the days asked for, and for days in reach that it holds already."""

    def units(night: Night) -> list[Unit]:
        earlier = [day for day in night.earlier() if night.states.get(Unit(table, day)) is not None]
        return [Unit(table, day) for day in [*earlier, *night.days()]]

    return units


def require_accepted(night: Night, table: str, day: date, remedy: str) -> DayState:
    """Return the state of a day that a step reads.

    Raises:
        InputError: if it was never built, or its last try did not pass its checks.
    """
    state = night.states.accepted(table, day)
    if state is None:
        raise InputError(f"{day} has no {table}; run {remedy} first")
    return state
