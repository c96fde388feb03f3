"""UTC calendar days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from uae_model.core.errors import UsageError


def parse_day(text: str) -> date:
    """Parse ``YYYY-MM-DD``.

    Raises:
        UsageError: if the text is anything else.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a day; the form is YYYY-MM-DD") from error
    if text != day.isoformat():
        raise UsageError(f"{text!r} is not a day; the form is YYYY-MM-DD")
    return day


def parse_moment(moment: datetime | str) -> datetime:
    """Return an instant in UTC, from ISO 8601 text or a datetime; without an offset it is UTC already.

    Raises:
        UsageError: if the text is anything else.
    """
    try:
        parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError as error:
        raise UsageError(f"{moment!r} is no moment; write it like 2026-01-14T06:00:00+00:00") from error
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield each day from ``first`` to ``last``, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def ranges_of(days: Iterable[date]) -> list[tuple[date, date]]:
    """Return the first and last day of each run of days that follow one another, of ``days`` in order."""
    ranges: list[tuple[date, date]] = []
    for day in days:
        if ranges and day - ranges[-1][1] == timedelta(days=1):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def midnight(day: date) -> datetime:
    """Return the UTC instant at which a day starts."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
