"""Which days readers may see: shared by the readers with and without Spark."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from uae_model.core.dates import days_between, parse_day
from uae_model.core.errors import InputError, UsageError

PUBLISHED = "published"
"""Status of a publication that readers may pin."""

ACCEPTED_CHECKS = "accepted_checks"
"""Column of publications: failed checks that a person accepted."""

COLUMNS = ("dt", "table_name", "status", "delta_version", "row_count", ACCEPTED_CHECKS)
"""Columns of publications that say which days may be read. Tables of before have no accepted checks."""

LISTED = 10
"""Missing days that an error names."""


@dataclass(frozen=True)
class PublishedDay:
    """A day that may be read: the version of ``weights`` to pin and the rows it has.

    Attributes:
        day: the UTC day.
        delta_version: version of table ``weights`` that the publication pins.
        rows: plays of the day.
        accepted_checks: the failed checks that a person accepted.
        as_of: the moment whose publication was asked for; None for the one that stands now.
    """

    day: date
    delta_version: int
    rows: int
    accepted_checks: tuple[str, ...] = ()
    as_of: datetime | None = None


@dataclass(frozen=True)
class Request:
    """Which published days a caller asks for, as it was passed; ``published_days`` says what each means."""

    first: date | str | None
    last: date | str | None
    latest: int | None
    as_of: datetime | str | None
    without_accepted: bool


@dataclass(frozen=True)
class RequestedDays:
    """The days that somebody asks for: all from one to another, or so many of the newest ones."""

    bounds: tuple[date, date] | None
    latest: int = 1

    @property
    def named(self) -> list[date]:
        """All days of the range; none where the newest ones are wanted."""
        return list(days_between(*self.bounds)) if self.bounds else []

    def missing(self, published: Collection[date]) -> list[date]:
        """Return the days of the range that are not published."""
        return [day for day in self.named if day not in published]

    def of(self, published: Iterable[date]) -> list[date]:
        """Return the days among the published ones, in their order."""
        days = sorted(published)
        if self.bounds is None:
            return days[-self.latest :]
        first, last = self.bounds
        return [day for day in days if first <= day <= last]


def requested_days(
    first: date | str | None, last: date | str | None = None, latest: int | None = None
) -> RequestedDays:
    """Return what a request asks for; ``last`` = None asks for ``first`` alone.

    Raises:
        InputError: if a text is no day, the order is wrong, or not just one of range and ``latest`` is there.
    """
    if latest is not None:
        if first is not None or last is not None:
            raise UsageError(f"latest = {latest}: pass either a first (and last) day or latest, not both")
        if latest < 1:
            raise UsageError(f"latest = {latest}: ask for at least one day")
        return RequestedDays(None, latest)
    if first is None:
        raise UsageError("no day is named; pass a first (and last) day, or latest=1 for the newest one")
    start = parse_day(first) if isinstance(first, str) else first
    end = start if last is None else parse_day(last) if isinstance(last, str) else last
    if start > end:
        raise InputError(f"the first day {start} is after the last day {end}")
    return RequestedDays((start, end))


def choose_days(
    publications: Iterable[Mapping[str, Any]],
    wanted: RequestedDays,
    *,
    without_accepted: bool = False,
    as_of: datetime | None = None,
) -> list[PublishedDay]:
    """Return the published days that are wanted, in their order.

    Args:
        publications: rows of the table with ``COLUMNS``, of any table and status; those outside of the
            range may be left out, but then an error does not tell what else is published.
        wanted: the days.
        without_accepted: refuse days with failed checks that a person accepted.
        as_of: the moment of these publications, where they are not those of now.

    Raises:
        InputError: naming the days of the range that are not published, or that have accepted failures.
    """
    published = {
        row["dt"]: PublishedDay(
            row["dt"],
            row["delta_version"],
            row["row_count"],
            tuple(row.get(ACCEPTED_CHECKS) or ()),
            as_of,
        )
        for row in publications
        if is_readable(row)
    }
    missing = wanted.missing(published)
    if missing or not published:
        raise InputError(_not_published(missing, published, as_of))
    days = [published[day] for day in wanted.of(published)]
    if without_accepted:
        _require_none_accepted(days)
    return days


def is_readable(publication: Mapping[str, Any]) -> bool:
    """Tell whether a row of publications is one of weights that readers may pin."""
    return bool(publication["table_name"] == "weights" and publication["status"] == PUBLISHED)


def _require_none_accepted(days: Sequence[PublishedDay]) -> None:
    """Raise InputError naming the days on which a person overruled failed checks."""
    overruled = [day for day in days if day.accepted_checks]
    if overruled:
        listed = "; ".join(f"{day.day} ({', '.join(day.accepted_checks)})" for day in overruled[:LISTED])
        raise InputError(
            f"published with failed checks that a person accepted: {listed}; leave these days out, or read "
            "them with without_accepted=False"
        )


def _not_published(missing: Sequence[date], published: Collection[date], as_of: datetime | None) -> str:
    then = f" at {as_of.isoformat()}" if as_of else ""
    there = f"published{then} is no day" if not published else f"published{then}: {days_in_words(published)}"
    if not missing:
        return f"{there}; run uae nightly or uae backfill"
    listed = ", ".join(day.isoformat() for day in missing[:LISTED])
    more = f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
    remedy = (
        "ask for other days or a later moment" if as_of else "run uae nightly or uae backfill for these days"
    )
    return f"not published{then}: {listed}{more}; {remedy} ({there})"


def days_in_words(days: Collection[date]) -> str:
    """Return how many days these are, and the first and last of them."""
    if len(days) == 1:
        return f"{min(days)} alone"
    return f"{len(days)} days from {min(days)} to {max(days)}"
