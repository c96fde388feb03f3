"""From tables to the facts of a page about many days."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.dates import days_between
from uae_model.core.errors import InputError, UsageError
from uae_model.lake import SECONDS, TableStore
from uae_model.lake.day_state import ACCEPTED
from uae_model.report.many_days.facts import DayHistory, ManyDays, Refusal, every_day
from uae_model.report.publications import publication_facts

PUBLICATIONS = "publications"


@dataclass(frozen=True)
class Build:
    """One time that a unit of a day was built: what ``day_states`` tells of it."""

    table: str
    day: date
    part: str
    version: int
    committed_ms: int
    seconds: float | None

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Build:
        """Return what a row of ``day_states`` tells."""
        seconds = json.loads(row["counts"]).get(SECONDS)
        return cls(
            row["table_name"], row["day"], row["part"], row["delta_version"], row["committed_ms"], seconds
        )


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
    builds = _builds(store, first, last)
    seconds, times = seconds_by_day(builds), publication_times(builds)
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


def _builds(store: TableStore, first: date, last: date) -> list[Build]:
    if not store.exists("day_states"):
        return []
    states: DataFrame = store.read("day_states").where(
        F.col("day").between(F.lit(first), F.lit(last)) & (F.col("status") == ACCEPTED)
    )
    return [Build.of_row(row.asDict()) for row in states.orderBy("recorded_at").collect()]


def _quarantined(store: TableStore, days: list[date]) -> dict[date, int]:
    if not store.exists("quarantine"):
        return {}
    counted = store.read("quarantine", days).groupBy("dt").agg(F.sum("occurrences").alias("rows"))
    return {row["dt"]: row["rows"] for row in counted.collect()}


def seconds_by_day(builds: Iterable[Build]) -> dict[date, dict[str, float]]:
    """Return the seconds of the last build of each day, by table; parts of a day are added up."""
    last = {
        (build.day, build.table, build.part): build.seconds for build in builds if build.seconds is not None
    }
    summed: dict[date, dict[str, float]] = defaultdict(dict)
    for (day, table, _), seconds in last.items():
        summed[day][table] = summed[day].get(table, 0.0) + seconds
    return dict(summed)


def publication_times(builds: Iterable[Build]) -> dict[date, list[datetime]]:
    """Return when each day was published; a state that was only noted again is no publication."""
    commits: dict[date, dict[int, int]] = defaultdict(dict)
    for build in builds:
        if build.table == PUBLICATIONS and build.committed_ms:
            commits[build.day][build.version] = build.committed_ms
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
