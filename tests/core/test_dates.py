"""UTC calendar days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uae_model.core.dates import days_between, midnight, parse_day, ranges_of
from uae_model.core.errors import InputError


@given(st.dates())
def test_a_day_is_read_as_it_is_written(day: date) -> None:
    assert parse_day(day.isoformat()) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2026-1-5",
        "20260105",
        "2026-W02-1",
        "2026-02-30",
        "05.01.2026",
        "2026-01-05T00:00",
        " 2026-01-05",
    ],
)
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a day; the form is YYYY-MM-DD") as failure:
        parse_day(text)
    assert repr(text) in str(failure.value)


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(0, 40))
def test_days_between_are_all_of_them_in_order(first: date, count: int) -> None:
    days = list(days_between(first, first + timedelta(days=count)))
    assert len(days) == count + 1
    assert (days[0], days[-1]) == (first, first + timedelta(days=count))
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


def test_a_range_in_the_wrong_order_is_empty() -> None:
    assert list(days_between(date(2026, 1, 5), date(2026, 1, 4))) == []


@given(st.sets(st.dates(date(2026, 1, 1), date(2026, 2, 1))))
def test_ranges_are_all_the_days_and_as_few_as_can_be(days: set[date]) -> None:
    ranges = ranges_of(sorted(days))
    assert [day for first, last in ranges for day in days_between(first, last)] == sorted(days)
    assert all(later[0] - earlier[1] > timedelta(days=1) for earlier, later in pairwise(ranges))


def test_midnight_is_utc() -> None:
    assert midnight(date(2026, 7, 1)) == datetime(2026, 7, 1, tzinfo=UTC)
