"""From tables to the facts of a page about many days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.dates import days_between
from uae_model.core.errors import InputError, UsageError
from uae_model.lake import SECONDS, TableStore
from uae_model.lake.day_state import ACCEPTED, DayState, Unit, state_of
from uae_model.report.many_days.facts import DayHistory, ManyDays, Refusal, every_day
from uae_model.report.publications import publication_facts

PUBLICATIONS = "publications"


def collect_days(store: TableStore, first: date, last: date) -> ManyDays:
    """Read what the page about the days from ``first`` to ``last`` shows.

    Raises:
        UsageError: if ``first`` is after ``last``.
        InputError: if none of the days is published.
    """
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    published = {}
    if store.exists(PUBLICATIONS):
        published = {row.day: row for row in publication_facts(store.read(PUBLICATIONS), first, last)}
    if not published:
        raise InputError(
            f"no day from {first} to {last} is published; run uae backfill --from {first} --to {last} first"
        )
    days = list(days_between(first, last))
    states = _states(store, first, last)
    seconds, times = seconds_by_day(states), publication_times(states)
    refusals = refusals_by_day(_rows(store, "refusals", days))
    quarantined = _quarantined(store, days)
    stability = stability_by_day(_rows(store, "feature_health", days))
    known = {
        day: DayHistory(
            day,
            published=published.get(day),
            publications=len(times.get(day, ())),
            published_at=max(times[day]) if day in times else None,
            refusal=refusals.get(day),
            quarantined=quarantined.get(day, 0),
            stability=stability.get(day, {}),
            seconds=seconds.get(day, {}),
        )
        for day in days
    }
    return ManyDays(first, last, every_day(first, last, known))


def _rows(store: TableStore, name: str, days: list[date]) -> list[Row]:
    """Return the rows of a small table on some days; none where there is no such table."""
    return store.read(name, days).collect() if store.exists(name) else []


def _states(store: TableStore, first: date, last: date) -> list[DayState]:
    """Return all that was ever noted of accepted units of the days, the oldest first."""
    if not store.exists("day_states"):
        return []
    states: DataFrame = store.read("day_states").where(
        F.col("day").between(F.lit(first), F.lit(last)) & (F.col("status") == ACCEPTED)
    )
    return [state_of(row.asDict()) for row in states.orderBy("recorded_at").collect()]


def _quarantined(store: TableStore, days: list[date]) -> dict[date, int]:
    if not store.exists("quarantine"):
        return {}
    counted = store.read("quarantine", days).groupBy("dt").agg(F.sum("occurrences").alias("rows"))
    return {row["dt"]: row["rows"] for row in counted.collect()}


def seconds_by_day(states: Iterable[DayState]) -> dict[date, dict[str, float]]:
    """Return the seconds of the last build of each day, by table; parts of a day are added up."""
    last: dict[Unit, float] = {}
    for state in states:
        if SECONDS in state.counts:
            last[state.unit] = state.counts[SECONDS]
    summed: dict[date, dict[str, float]] = defaultdict(dict)
    for unit, seconds in last.items():
        summed[unit.day][unit.table] = summed[unit.day].get(unit.table, 0.0) + seconds
    return dict(summed)


def publication_times(states: Iterable[DayState]) -> dict[date, list[datetime]]:
    """Return when each day was published; a state that was only noted again is no publication."""
    commits: dict[date, dict[int, int]] = defaultdict(dict)
    for state in states:
        if state.unit.table == PUBLICATIONS and state.committed_ms:
            commits[state.unit.day][state.version] = state.committed_ms
    return {
        day: sorted(datetime.fromtimestamp(at / 1000, UTC) for at in versions.values())
        for day, versions in commits.items()
    }


def refusals_by_day(rows: Iterable[Row]) -> dict[date, Refusal]:
    """Return the refusal of each day that was refused."""
    by_day: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        by_day[row["dt"]].append(row)
    return {
        day: Refusal(
            day,
            tuple(sorted(f"{row['check_name']} ({row['detail']})" for row in refused)),
            max(_utc(row["refused_at"]) for row in refused),
        )
        for day, refused in by_day.items()
    }


def _utc(moment: datetime) -> datetime:
    """Return a time of a collected row, which Spark gives without a zone in that of the process."""
    return moment.astimezone(UTC)


def stability_by_day(rows: Iterable[Row]) -> dict[date, dict[str, float]]:
    """Return the stability index of each feature that has one, by day."""
    known: dict[date, dict[str, float]] = defaultdict(dict)
    for row in rows:
        if row["stability_index"] is not None:
            known[row["dt"]][row["feature"]] = row["stability_index"]
    return dict(known)
