"""Events follow from what is known of the days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.report.many_days.samples import DAYS, EARLY, FIRST, many_days, one_day
from uae_model.report.many_days.facts import DayHistory, Event, ManyDays, Refusal, every_day


def test_each_kind_of_event_is_told_once_in_order() -> None:
    told = [((event.day - FIRST).days, event.kind, event.text) for event in many_days().events()]
    assert told == [
        (9, "refused", "quarantined share at most 0.05 (0.06); published later"),
        (12, "accepted", "plays, sessions: a <holiday>"),
        (15, "model", "attention model 4 in place of 3"),
        (20, "reopened", "published 3 times, last on 2026-02-03 03:10 UTC"),
        (23, "missing", "3 days, up to 2026-02-07"),
        (25, "refused", "mean passive weight in [0, 0.9] (0.95)"),
    ]


def test_a_quiet_day_has_no_event() -> None:
    assert one_day().events() == []


def test_a_refusal_after_the_publication_leaves_readers_the_earlier_one() -> None:
    published = replace(one_day().days[0], published_at=EARLY)
    late = Refusal(FIRST, ("plays (none)",), EARLY + timedelta(hours=1))
    facts = ManyDays(FIRST, FIRST, (replace(published, refusal=late),))
    assert facts.events() == [Event(FIRST, "refused", "plays (none); readers keep the earlier one")]


def test_a_new_model_is_told_across_a_gap() -> None:
    row = one_day().published[0]
    later = replace(row, day=FIRST + timedelta(days=2), attention_version=9)
    known = {FIRST: DayHistory(FIRST, row), later.day: DayHistory(later.day, later)}
    facts = ManyDays(FIRST, later.day, every_day(FIRST, later.day, known))
    assert [(event.kind, event.text) for event in facts.events()] == [
        ("missing", "one day"),
        ("model", "attention model 9 in place of 3"),
    ]


def test_days_and_tables_are_complete() -> None:
    facts = many_days()
    assert len(facts.days) == DAYS
    assert len(facts.published) == DAYS - 3
    assert facts.tables == ["feed", "plays", "scores", "publications"]
