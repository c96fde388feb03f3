"""Days that wait with their late events, and are all built again in one night."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY, Event, event, events_frame, reference_sessions
from uae_model.config import load_config
from uae_model.lake import TableStore
from uae_model.pipeline.plan import plan
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps import PLAYS

DAYS = [DAY + timedelta(days=number) for number in range(14)]
WEEKLY = "feed.reopen=weekly"


def at(day: date, clock: str) -> str:
    return f"{day.day:02d} {clock}"


def punctual(day: date) -> list[Event]:
    """A listener over midnight, and one at noon."""
    name = day.isoformat()
    return [
        *[event(f"{name} noon {minute}", at(day, f"12:{minute}"), user_id="noon") for minute in (10, 20)],
        event(f"{name} night", at(day, "23:50"), user_id="night"),
        event(f"{name} after", at(day, "00:10"), user_id="night"),
    ]


def late(day: date) -> list[Event]:
    """What is delivered a night later: it moves the session over midnight, and is the first of next day's."""
    name = day.isoformat()
    return [
        event(f"{name} late", at(day, "23:30"), user_id="night"),
        event(f"{name} late, after midnight", at(day, "00:20"), user_id="night"),
        event(f"{name} late, alone", at(day, "18:00"), user_id="late"),
    ]


def deliver(store: TableStore, items: list[Event], day: date) -> None:
    store.append("events", events_frame(store.spark, items, store.config), {"step": f"test {day}"})


def opened(spark: SparkSession, folder: Path, *overrides: str) -> TableStore:
    folder.mkdir()
    (folder / "uae.toml").touch()
    store = TableStore(spark, load_config(folder / "uae.toml", overrides=overrides))
    store.ensure("events")
    return store


def walk(store: TableStore, nights: int, late_of: set[date]) -> list[dict[str, Any]]:
    """Run nights; return what each of them built again, and what waits after it."""
    told = []
    deliver(store, punctual(DAYS[0]), DAYS[0])
    for number in range(nights):
        day, following = DAYS[number], DAYS[number + 1]
        deliver(store, punctual(following), following)
        if number and DAYS[number - 1] in late_of:
            deliver(store, late(DAYS[number - 1]), following)
        night = Night(TableStore(store.spark, store.config), day, day)
        results = run_steps(night, [PLAYS])["plays"]
        again = [result.state.unit.day for result in results if result.reason]
        told.append({"built": again, "waiting": night.late.waiting, "added": dict(night.late.added)})
        ids = [row["event_id"] for row in store.read("plays").select("event_id").collect()]
        assert len(ids) == len(set(ids)), f"an event in two plays after the night of {day}"
    return told


def sessions_of(store: TableStore) -> dict[str, tuple[Any, int]]:
    rows = store.read("plays").collect()
    return {row["event_id"]: (row["session_started_at"], row["position"]) for row in rows}


@pytest.mark.slow
def test_days_wait_a_week_and_then_hold_what_they_would_have_held_at_once(
    spark: SparkSession, tmp_path: Path
) -> None:
    late_of = {DAYS[1], DAYS[2]}
    weekly = opened(spark, tmp_path / "weekly", WEEKLY, "feed.reopen_share=1")
    nightly = opened(spark, tmp_path / "nightly")
    told, at_once = walk(weekly, 12, late_of), walk(nightly, 12, late_of)

    # At once: the night after the delivery builds the day, the one whose session goes on, and what follows.
    assert at_once[2]["built"][0] == DAYS[0]
    assert all(night["waiting"] == 0 for night in at_once)
    # Weekly: ten days are in reach, and a day's session may have begun on the day before.
    assert [night["waiting"] for night in told] == [0, 0, 3, *[6] * 7, 0, 0]
    assert [len(night["built"]) for night in told[:10]] == [1] * 10
    assert told[10]["built"][0] <= DAYS[1]
    assert told[11]["built"] == [DAYS[11]]
    assert sessions_of(weekly) == sessions_of(nightly)
    closed = [*punctual(DAYS[12])]
    events = [item for day in DAYS[:12] for item in punctual(day)] + [
        item for day in late_of for item in late(day)
    ]
    expected = reference_sessions([*events, *closed], weekly.config)
    until = {row.event_id for row in closed if row.played_at.hour > 1}
    assert set(sessions_of(weekly)) == {play.event_id for play in expected.values()} - until


def test_a_day_with_too_many_late_events_does_not_wait(spark: SparkSession, tmp_path: Path) -> None:
    store = opened(spark, tmp_path / "many", WEEKLY, "feed.reopen_share=0.5")
    told = walk(store, 3, {DAYS[1]})
    assert told[2]["added"] == {DAYS[1]: 3}
    assert told[2]["waiting"] == 0
    assert DAYS[1] in told[2]["built"]


def test_the_plan_says_who_waits_and_settings_do_not(spark: SparkSession, tmp_path: Path) -> None:
    store = opened(spark, tmp_path / "plan", WEEKLY, "feed.reopen_share=1")
    walk(store, 3, {DAYS[1]})
    deliver(store, [event("later still", at(DAYS[2], "15:00"))], DAYS[3])
    night = Night(TableStore(spark, store.config), DAYS[3], DAYS[3])
    told = {item.unit.day: str(item) for item in plan(night, [PLAYS])}
    assert told[DAYS[1]].endswith("(waits, feed.reopen = weekly)")
    assert night.late.added == {DAYS[1]: 3, DAYS[2]: 1}
    folder = Path(store.config.paths.tables).parent
    changed = load_config(folder / "uae.toml", overrides=[WEEKLY, "sessions.gap_minutes=20"])
    night = Night(TableStore(spark, changed), DAYS[3], DAYS[3])
    assert all("waits" not in str(item) for item in plan(night, [PLAYS]))
