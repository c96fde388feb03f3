"""What day_states and refusals tell of the days, on rows by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from pyspark.sql import Row

from uae_model.report.many_days.collect import (
    Build,
    publication_times,
    refusals_by_day,
    seconds_by_day,
    stability_by_day,
)

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)


def build(
    table: str, version: int, seconds: float | None, day: date = DAY, part: str = "", at: int = 0
) -> Build:
    counts = {"rows": 3} if seconds is None else {"rows": 3, "seconds": seconds}
    row = Row(
        table_name=table,
        day=day,
        part=part,
        delta_version=version,
        committed_ms=at,
        counts=json.dumps(counts),
    )
    return Build.of_row(row.asDict())


def test_seconds_are_those_of_the_last_build_with_parts_added_up() -> None:
    builds = [
        build("feed", 1, 2.0, part="2026-01-05T00"),
        build("feed", 2, 3.0, part="2026-01-05T01"),
        build("plays", 1, 7.0),
        build("plays", 2, 5.0),  # built again
        build("scores", 1, None),  # from before seconds were kept
        build("scores", 1, 4.0, day=NEXT),
    ]
    assert seconds_by_day(builds) == {DAY: {"feed": 5.0, "plays": 5.0}, NEXT: {"scores": 4.0}}


def test_a_state_that_is_only_noted_again_is_no_publication() -> None:
    first, second = datetime(2026, 1, 6, 3, tzinfo=UTC), datetime(2026, 1, 7, 3, tzinfo=UTC)
    at = [int(moment.timestamp() * 1000) for moment in (first, second)]
    builds = [
        build("publications", 4, 1.0, at=at[0]),
        build("publications", 4, 1.0, at=at[0]),
        build("publications", 9, 1.0, at=at[1]),
        build("scores", 3, 1.0, at=at[1]),
        build("publications", 5, 1.0, day=NEXT),  # its time is not known
    ]
    assert publication_times(builds) == {DAY: [first, second]}


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
