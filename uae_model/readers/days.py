"""Which days readers may see: shared by the readers with and without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import date

from uae_model.core.dates import days_between, parse_day
from uae_model.core.errors import InputError

PUBLISHED = "published"
"""Status of a publication that readers may pin."""

ACCEPTED_CHECKS = "accepted_checks"
"""Column of publications: failed checks that a person accepted."""

LISTED = 10
"""Missing days that an error names."""


def requested_days(first: date | str, last: date | str | None) -> tuple[date, date]:
    """Return the first and the last day of a request; ``last`` = None asks for ``first`` alone.

    Raises:
        InputError: if a text is no day or the order is wrong.
    """
    start = parse_day(first) if isinstance(first, str) else first
    end = start if last is None else parse_day(last) if isinstance(last, str) else last
    if start > end:
        raise InputError(f"the first day {start} is after the last day {end}")
    return start, end


def require_none_accepted(accepted: Mapping[date, Sequence[str]]) -> None:
    """Raise InputError naming the days on which a person overruled failed checks.

    Args:
        accepted: the overruled checks of each day that is to be read, none for most.
    """
    overruled = {day: checks for day, checks in accepted.items() if checks}
    if overruled:
        listed = "; ".join(f"{day} ({', '.join(overruled[day])})" for day in sorted(overruled)[:LISTED])
        raise InputError(
            f"published with failed checks that a person accepted: {listed}; leave these days out, or read "
            "them with without_accepted=False"
        )


def require_all_days(published: Set[date], first: date, last: date) -> None:
    """Raise InputError naming the days of the range that are not among the published ones."""
    missing = [day for day in days_between(first, last) if day not in published]
    if not missing:
        return
    listed = ", ".join(day.isoformat() for day in missing[:LISTED])
    more = f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
    raise InputError(f"not published: {listed}{more}; run uae nightly or uae backfill for these days")
