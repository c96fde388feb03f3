"""Events into plays, for a day and for the days before it that late events have reopened."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame

from uae_model.config import Config
from uae_model.core.digests import NAME_DIGITS, json_digest
from uae_model.lake import Unit
from uae_model.lake.contracts import FEED_SLOT
from uae_model.pipeline.step import Night, Outcome, Step, replaces
from uae_model.publication.checks import Check
from uae_model.sessions.accounting import account, carried_plays, count_excluded
from uae_model.sessions.cut import (
    bots_of_day,
    event_days,
    events_of_day,
    lookback_days,
    open_sessions,
    plays_of_day,
)


def _units(night: Night) -> list[Unit]:
    """Return the days asked for, and the days in reach that have events."""
    earlier = [day for day in night.earlier() if night.knows("events", day) or night.knows("plays", day)]
    return [Unit("plays", day) for day in [*earlier, *night.days()]]


def _reads(day: date, config: Config) -> list[Unit]:
    events = [Unit("events", read_day) for read_day in event_days(day, config)]
    return [*events, *(Unit("plays", read_day) for read_day in lookback_days(day, config))]


def _rows(night: Night, day: date) -> tuple[DataFrame, dict[str, Any]]:
    config, store = night.config, night.store
    read = store.read_or_empty("events", event_days(day, config)).drop(FEED_SLOT)
    events = events_of_day(read, day, config)
    before = store.read_or_empty("plays", lookback_days(day, config))
    day_before = store.read("plays", [day - timedelta(days=1)])
    bots = bots_of_day(events, day, config)
    if not _joins(night, day - timedelta(days=1), day):
        # The sessions of the day before stay as they are: no play of theirs is taken, and none joins them.
        events = events.join(carried_plays(day_before, day).select("event_id"), "event_id", "left_anti")
        before = before.limit(0)
    excluded = count_excluded(
        store.read("events", [day]), day_before, day, [row["user_id"] for row in bots.collect()]
    )
    counts = {"excluded": excluded, "rules": _rules(config)}
    about_rows = night.row_count("events", day)
    still_open = open_sessions(before, day, config)
    return plays_of_day(events, still_open, bots, day, config, about_rows=about_rows), counts


def _rules(config: Config) -> str:
    return json_digest(config.sessions.model_dump(mode="json"), NAME_DIGITS)


def _joins(night: Night, before: date, day: date) -> bool:
    """Tell whether the sessions of the day before go on into a day as they would if both were cut now.

    They do not if they were cut by other rules, or before late events of the day that wait.
    """
    state = night.states.get(Unit("plays", before))
    if state is None:
        return True
    if night.config.feed.reopen == "weekly" and state.inputs:
        known = state.inputs.get(str(Unit("events", day)))
        if known not in (None, night.states.version("events", day)):
            return False
    if "rules" in state.counts:
        return bool(state.counts["rules"] == _rules(night.config))
    return state.settings in ("", PLAYS.settings(night.config))


def _check(night: Night, unit: Unit) -> Outcome:
    day, state = unit.day, night.states.get(unit)
    plays, before = (night.store.read_or_empty("plays", [read]) for read in (day, day - timedelta(days=1)))
    excluded = int(state.counts.get("excluded", 0)) if state else 0
    told = account(plays, before, night.store.read_or_empty("events", [day]), day, excluded)
    return Outcome(told.counts, [Check("every event is accounted for", told.adds_up, str(told))])


PLAYS = Step(
    table="plays",
    phase="sessions",
    units=_units,
    reads=_reads,
    settings=lambda config: config.digest_of("sessions", "labels", "features"),
    commit=replaces(_rows, "events"),
    check=_check,
)
