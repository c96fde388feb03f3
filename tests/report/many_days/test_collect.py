"""What day_states and refusals tell of the days, on rows by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import Row

from uae_model.lake.day_state import ACCEPTED, DayState, Unit
from uae_model.report.many_days.collect import (
    publication_times,
    refusals_by_day,
    seconds_by_day,
    stability_by_day,
)

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)


def state(
    table: str, version: int, seconds: float | None, day: date = DAY, part: str = "", at: int = 0
) -> DayState:
    counts = {"rows": 3} if seconds is None else {"rows": 3, "seconds": seconds}
    return DayState(Unit(table, day, part), version, ACCEPTED, counts=counts, committed_ms=at)


def test_seconds_are_those_of_the_last_build_with_parts_added_up() -> None:
    states = [
        state("feed", 1, 2.0, part="2026-01-05T00"),
        state("feed", 2, 3.0, part="2026-01-05T01"),
        state("plays", 1, 7.0),
        state("plays", 2, 5.0),  # built again
        state("scores", 1, None),  # from before seconds were kept
        state("scores", 1, 4.0, day=NEXT),
    ]
    assert seconds_by_day(states) == {DAY: {"feed": 5.0, "plays": 5.0}, NEXT: {"scores": 4.0}}


def test_a_state_that_is_only_noted_again_is_no_publication() -> None:
    first, second = datetime(2026, 1, 6, 3, tzinfo=UTC), datetime(2026, 1, 7, 3, tzinfo=UTC)
    at = [int(moment.timestamp() * 1000) for moment in (first, second)]
    states = [
        state("publications", 4, 1.0, at=at[0]),
        state("publications", 4, 1.0, at=at[0]),
        state("publications", 9, 1.0, at=at[1]),
        state("scores", 3, 1.0, at=at[1]),
        state("publications", 5, 1.0, day=NEXT),  # its time is not known
    ]
    assert publication_times(states) == {DAY: [first, second]}


def test_refusals_hold_all_checks_of_a_day() -> None:
    at = datetime(2026, 1, 6, 3, tzinfo=UTC)
    rows = [
        Row(dt=DAY, check_name="plays", detail="2", refused_at=at),
        Row(dt=DAY, check_name="active share", detail="0.9", refused_at=at),
    ]
    (refusal,) = refusals_by_day(rows).values()
    assert refusal.checks == ("active share (0.9)", "plays (2)")
    assert refusal.refused_at == at


def test_features_without_an_index_are_left_out() -> None:
    rows = [Row(dt=DAY, feature="genre", stability_index=0.2)]
    rows.append(Row(dt=DAY, feature="tempo", stability_index=None))
    assert stability_by_day(rows) == {DAY: {"genre": 0.2}}
