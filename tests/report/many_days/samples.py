"""Facts of many days with every kind of event, without Spark."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.report.samples import DAY, published
from uae_model.report.many_days.facts import DayHistory, ManyDays, Refusal, every_day

FIRST, DAYS = DAY, 28
LAST = FIRST + timedelta(days=DAYS - 1)


def many_days() -> ManyDays:
    """Return four weeks: a refusal, an acceptance, a new champion, a reopened day, a gap of two days."""
    known: dict[date, DayHistory] = {}
    for n in range(DAYS):
        day = FIRST + timedelta(days=n)
        wave = math.sin(n / 3)
        version = 3 if n < 15 else 4
        row = replace(
            published(day, 0.6 + 0.05 * wave + 0.01 * version),
            plays=123_000 + round(9_000 * wave),
            active=11_000 + round(1_000 * wave),
            attention_version=version,
            mean_interval=(0.2, 0.4) if version == 3 else (0.22, 0.35),
            mean_passive_attention=0.3 + 0.02 * wave,
        )
        known[day] = DayHistory(
            day,
            row,
            publications=1,
            published_at=datetime(day.year, day.month, day.day, 3, 10, tzinfo=UTC) + timedelta(days=1),
            quarantined=1_200 if n == 9 else 20 + n % 5,
            stability={"device": 0.05 + 0.01 * n, "genre": 0.03},
            seconds={"feed": 40.0 + n % 7, "plays": 90.0 + 2 * n, "scores": 130.0, "publications": 21.5},
        )
    change(
        known,
        9,
        refusal=Refusal(FIRST + timedelta(days=9), ("quarantined share at most 0.05 (0.06)",), EARLY),
    )
    change(known, 20, publications=3)
    accepted = known[FIRST + timedelta(days=12)].published
    assert accepted is not None
    change(
        known,
        12,
        published=replace(accepted, accepted_checks=("plays", "sessions"), accepted_reason="a <holiday>"),
    )
    for gone in (23, 24):
        del known[FIRST + timedelta(days=gone)]
    known[FIRST + timedelta(days=25)] = DayHistory(
        FIRST + timedelta(days=25),
        refusal=Refusal(FIRST + timedelta(days=25), ("mean passive weight in [0, 0.9] (0.95)",), EARLY),
    )
    return ManyDays(FIRST, LAST, every_day(FIRST, LAST, known))


EARLY = datetime(2026, 1, 14, tzinfo=UTC)


def change(known: dict[date, DayHistory], n: int, **changed: Any) -> None:
    """Change what is known of a day."""
    day = FIRST + timedelta(days=n)
    known[day] = replace(known[day], **changed)


def one_day() -> ManyDays:
    """Return a range of one day of which little is known."""
    return ManyDays(FIRST, FIRST, (DayHistory(FIRST, replace(published(FIRST, None), active=0)),))
