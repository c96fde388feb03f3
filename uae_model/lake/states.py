"""The memory of what was built from what: the table ``day_states``, and what has been committed since.

A state is written after the commit of the data, and only once the checks of the day have passed. Rows are
appended; the latest of a unit counts, so runs beside each other never overwrite one another's states. What
was committed after the last state of a table is read from the table's own log: a run that dies between its
data and its state leaves its record in the commit, and the next run goes on with the checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from uae_model.core.errors import ContractError
from uae_model.core.logs import warn
from uae_model.lake.contracts import TABLES
from uae_model.lake.day_state import (
    ACCEPTED,
    EXPIRED,
    FEED,
    SCHEMA_VERSION,
    UNACCEPTED,
    UNDONE,
    DayState,
    Unit,
    counts_beside,
    counts_of_commit,
    inputs_of_commit,
    log_of,
    row_of,
    state_of,
    unit_of_commit,
)
from uae_model.lake.log import NO_DAY, Change, changes_after

if TYPE_CHECKING:
    from uae_model.lake.store import TableStore

TABLE = "day_states"
EXPIRED_BEFORE = "expired_before"
"""What the commit of an expiry records: the first day whose rows were kept."""
FORMER_TABLE = {"scores": "weights"}
"""Where a table's days lay before there was the table: scored days lay in what readers read."""
COMPACT_EVERY = 32
"""Commits of day_states after which its small files are made one."""

SECONDS = "seconds"
"""The count that says how long a unit took to build and check."""

REWRITE = "rewrite"
"""What the commit of a rewrite carries: its reason. Beside it stand ``rows``, those that are left by day."""

SEEN = "(seen)"
"""The part of the state that says up to which version a table's log has been read."""


class DayStates:
    """The states of all tables of a store, as of their newest commits."""

    def __init__(self, store: TableStore) -> None:
        self._store = store
        self._now: dict[Unit, DayState] = {}
        self._accepted: dict[Unit, DayState] = {}
        self._before: dict[tuple[str, int], dict[Unit, DayState | None]] = {}
        self._seen: dict[str, int] = {}
        self._written_seen: dict[str, int] = {}
        self._followed: set[str] = set()
        self._dirty: set[Unit] = set()
        self._is_loaded = False

    def get(self, unit: Unit) -> DayState | None:
        """Return the state of a unit; None where it was never built, or its only try was undone.

        A day that was scored before there was table ``scores`` has the state of the day of ``weights``.
        """
        state = self._of(unit)
        if state is not None or unit.table not in FORMER_TABLE:
            return state
        former = self._of(replace(unit, table=FORMER_TABLE[unit.table]))
        is_scored = former is not None and (former.inputs is None or f"plays {unit.day}" in former.inputs)
        return former if is_scored else None

    def _of(self, unit: Unit) -> DayState | None:
        self._follow(log_of(unit))
        state = self._now.get(unit)
        return None if state is None or state.status == UNDONE else state

    def seen(self, table: str) -> int:
        """Return the version of a table up to which these states tell of its commits.

        Unlike the versions of its days it has all of its files, whoever has compacted the table since.
        """
        self._follow(table)
        return self._seen[table]

    def accepted(self, table: str, day: date) -> DayState | None:
        """Return the state of a day that readers may take for good."""
        state = self.get(Unit(table, day))
        return state if state is not None and state.is_accepted else None

    def last_accepted(self, unit: Unit) -> DayState | None:
        """Return the state that was accepted last, though others may have been committed since."""
        self.get(unit)
        return self._accepted.get(unit)

    def foreign_change(self, unit: Unit) -> str | None:
        """Return what another hand than a step did to a unit, as text; None where nothing or no more."""
        state = self.get(unit)
        if state is None or state.is_accepted or state.is_expired:
            return None
        if state.inputs is not None or state.counts.get("by"):
            return None
        last = self.last_accepted(state.unit)
        before = f"{last.version} -> " if last else ""
        operation = state.counts.get("operation") or "a write"
        return f"was changed by another hand ({operation}), version {before}{state.version}"

    def version(self, table: str, day: date = NO_DAY) -> int | None:
        """Return the version that last changed a day, whoever wrote it."""
        state = self.get(Unit(table, day))
        return None if state is None else state.version

    def of_table(self, table: str) -> list[DayState]:
        """Return all states of a table's units, by day and part."""
        for name in ("events", "users", "songs") if table == FEED else (table,):
            self._follow(name)
        return sorted(
            (s for u, s in self._now.items() if u.table == table and u.part != SEEN and s.status != UNDONE),
            key=lambda state: state.unit,
        )

    def record(self, state: DayState) -> None:
        """Remember a state in place of the unit's present one."""
        self._now[state.unit] = state
        self._dirty.add(state.unit)
        if state.is_accepted:
            self._accepted[state.unit] = state

    def accept(self, unit: Unit, counts: dict[str, Any], checks: tuple[str, ...] = ()) -> DayState:
        """Accept a unit, and the days that its commit changed beside."""
        state = self.get(unit)
        assert state is not None, f"{unit} was not committed"
        accepted = replace(state, status=ACCEPTED, counts={**state.counts, **counts}, checks=checks)
        self.record(accepted)
        for other in self._of_commit(state):
            self.record(replace(other, status=ACCEPTED))
        return accepted

    def written(self, name: str) -> None:
        """Look into a table's log again: it has a new commit."""
        self._followed.discard(name)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Write what has changed when the block ends, however it ends."""
        try:
            yield
        finally:
            self.flush()

    def flush(self) -> None:
        """Append the states that have changed, in one commit."""
        if not self._dirty:
            return
        store = self._store
        contract = store.ensure(TABLE)
        moved = dict(self._seen.items() - self._written_seen.items())
        states = [self._now[unit] for unit in sorted(self._dirty)]
        states += [DayState(Unit(name, part=SEEN), version, ACCEPTED) for name, version in moved.items()]
        now = datetime.now(UTC)
        frame = store.spark.createDataFrame([row_of(state, now) for state in states], contract.schema)
        frame.coalesce(1).write.format("delta").mode("append").save(store.path(TABLE))
        self._dirty.clear()
        self._written_seen |= moved
        if store.latest_version(TABLE) % COMPACT_EVERY == 0:
            store.compact(TABLE)

    def _load(self) -> None:
        if self._is_loaded:
            return
        self._is_loaded = True
        if not self._store.exists(TABLE):
            return
        rows = self._store.read(TABLE).collect()
        for row in sorted(rows, key=lambda row: row["recorded_at"]):
            if row["schema_version"] > SCHEMA_VERSION:
                raise ContractError(
                    f"table {TABLE}: written by newer code (schema {row['schema_version']}, this code knows "
                    f"{SCHEMA_VERSION}); update the package"
                )
            state = state_of(row.asDict())
            if state.unit.part == SEEN:
                self._seen[state.unit.table] = state.version
                continue
            self._now[state.unit] = state
            if state.is_accepted:
                self._accepted[state.unit] = state
        self._written_seen = dict(self._seen)

    def _follow(self, table: str) -> None:
        """Read what was committed to a table since its last state."""
        if table in self._followed:
            return
        self._load()
        self._followed.add(table)
        if table not in TABLES:
            return  # its units are no rows: a registered pair of models has no log
        if not self._store.exists(table):
            self._forget(table, "is gone")
            return
        latest = self._store.latest_version(table)
        if latest < self._seen.get(table, -1):
            self._forget(table, "was made anew")
        seen = self._seen.get(table)
        start = -1 if seen is None else seen
        changes, is_whole = changes_after(self._store.spark, self._store.path(table), start, latest)
        if not is_whole:
            self._bridge(table, changes[0].version if changes else latest + 1)
        for change in changes:
            self._fold(table, change, is_first_sight=seen is None)
        self._seen[table] = latest

    def _fold(self, table: str, change: Change, *, is_first_sight: bool) -> None:
        undone = change.metadata.get("undo")
        if undone is not None:
            self._put_back(table, int(undone))
            return
        if EXPIRED_BEFORE in change.metadata:
            self._expire(table, change)
            return
        if change.metadata.get(REWRITE) and not is_first_sight:
            self._carry_over(table, change)
            return
        own = unit_of_commit(change.metadata, table)
        units = {Unit(table, day) for day in change.days} | ({own} if own else set())
        before = self._before.setdefault((table, change.version), {})
        for unit in units:
            before[unit] = self._now.get(unit)
            is_own = unit == own
            # Tables that are older than this memory are taken as they stand.
            is_adopted = is_first_sight and "unit" not in change.metadata
            self.record(
                DayState(
                    unit,
                    change.version,
                    ACCEPTED if is_adopted else UNACCEPTED,
                    inputs=inputs_of_commit(change.metadata) if is_own else None,
                    settings=str(change.metadata.get("settings", "")) if is_own else "",
                    counts=counts_of_commit(change) if is_own else counts_beside(change, own),
                    run_id=str(change.metadata.get("run", "")),
                    committed_ms=change.at_ms,
                    written_to=table,
                )
            )

    def _expire(self, table: str, change: Change) -> None:
        """Keep what is known of days whose rows were given up: by their versions later days stay current."""
        for day in change.days:
            unit = Unit(table, day)
            known = self._now.get(unit) or DayState(unit, change.version, written_to=table)
            self.record(replace(known, status=EXPIRED))

    def _carry_over(self, table: str, change: Change) -> None:
        """Take days as a rewrite left them: they, and what was built from them, are as current as before."""
        rows = change.metadata.get("rows", {})
        for unit in [Unit(table, day) for day in change.days]:
            state = self._now.get(unit)
            if state is None:
                continue
            left = rows.get(unit.day.isoformat(), change.rows if len(change.days) == 1 else None)
            counts = state.counts if left is None else {**state.counts, "rows": left}
            if left == 0:
                counts["operation"] = "DELETE"  # its files are gone on purpose
            version = change.version
            self.record(
                replace(state, version=version, counts=counts, written_to=table, committed_ms=change.at_ms)
            )
            for reader in list(self._now.values()):
                if reader.inputs and reader.inputs.get(str(unit)) == state.version:
                    self.record(replace(reader, inputs={**reader.inputs, str(unit): version}))

    def _put_back(self, table: str, version: int) -> None:
        """Forget a commit that was undone."""
        for unit, state in list(self._now.items()):
            if state.written_to != table or state.version != version:
                continue
            earlier = self._before.get((table, version), {}).get(unit) or self._accepted.get(unit)
            is_other = earlier is not None and earlier.version != version
            self.record(earlier if earlier and is_other else replace(state, status=UNDONE))

    def _of_commit(self, state: DayState) -> list[DayState]:
        table, version = state.written_to, state.version
        others = [s for s in self._now.values() if s.written_to == table and s.version == version]
        return [other for other in others if other.status == UNACCEPTED]

    def _bridge(self, table: str, first_known: int) -> None:
        """Compare days by their rows where the log no longer tells what happened to them.

        Days that no state knows are taken as they stand; those with another number of rows have changed.
        """
        is_dated = self._store.contract(table).partition is not None
        rows = {}
        if is_dated:
            counted = self._store.read(table).groupBy("dt").count().collect()
            rows = {row["dt"]: row["count"] for row in counted}
        known = {
            unit.day: state for unit, state in self._now.items() if unit.table == table and not unit.part
        }
        changed = [
            day
            for day, state in known.items()
            if is_dated
            and not (state.is_expired and day not in rows)
            and state.counts.get("rows", rows.get(day, 0)) != rows.get(day, 0)
        ]
        for day in [*rows.keys() - known.keys(), *changed]:
            status = UNACCEPTED if day in known else ACCEPTED
            self.record(DayState(Unit(table, day), first_known - 1, status, written_to=table))
        warn("the log of a table is cut: days are compared by their rows", table=table, version=first_known)

    def _forget(self, table: str, what: str) -> None:
        lost = [unit for unit in self._now if unit.table == table]
        for unit in lost:
            del self._now[unit]
            self._accepted.pop(unit, None)
        if self._seen.pop(table, None) is not None or lost:
            warn(f"a table {what}: its days count as never built", table=table)
