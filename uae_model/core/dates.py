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
