"""Events into plays, for a day and for the days before it that late events have reopened."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.dates import midnight
from uae_model.core.digests import NAME_DIGITS, json_digest
from uae_model.lake import TableStore, Unit
from uae_model.pipeline.step import Night, Outcome, Step, replaces
from uae_model.publication.checks import Check
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
    events = events_of_day(store.read_or_empty("events", event_days(day, config)), day, config)
    before = store.read_or_empty("plays", lookback_days(day, config))
    bots = bots_of_day(events, day, config)
    if not _has_same_rules(night, day - timedelta(days=1)):
        # Sessions cut by other rules stay as they are: no play of theirs is taken, and none joins them.
        events = events.join(_carried(store, day).select("event_id"), "event_id", "left_anti")
        before = before.limit(0)
    excluded = _count_excluded(store, day, [row["user_id"] for row in bots.collect()])
    counts = {"excluded": excluded, "rules": _rules(config)}
    return plays_of_day(events, open_sessions(before, day, config), bots, day, config), counts


def _rules(config: Config) -> str:
    return json_digest(config.sessions.model_dump(mode="json"), NAME_DIGITS)


def _has_same_rules(night: Night, day: date) -> bool:
    state = night.states.get(Unit("plays", day))
    if state is None:
        return True
    if "rules" in state.counts:
        return bool(state.counts["rules"] == _rules(night.config))
    return state.settings in ("", PLAYS.settings(night.config))


def _check(night: Night, unit: Unit) -> Outcome:
    """Account for every event of the day: a play of it, a play of a session begun before, or a bot's.

    ``events = plays of the day + carried + excluded``.
    """
    store, day = night.store, unit.day
    state = night.states.get(unit)
    excluded = int(state.counts.get("excluded", 0)) if state else 0
    end = F.lit(midnight(day + timedelta(days=1)))
    row = (
        store.read_or_empty("plays", [day])
        .agg(
            F.count("*").alias("plays"),
            F.count_if(F.col("played_at") < end).alias("on_day"),
            F.count_if(F.col("position") == 1).alias("sessions"),
        )
        .collect()[0]
    )
    events = store.read_or_empty("events", [day]).count()
    carried = _carried(store, day).count()
    return Outcome(
        {"plays": row["plays"], "sessions": row["sessions"], "events": events}
        | {"carried": carried, "excluded": excluded},
        [
            Check(
                "every event is accounted for",
                events == row["on_day"] + carried + excluded,
                f"{events} events, {row['on_day']} plays of the day + {carried} of sessions begun the day "
                f"before + {excluded} of bots",
            )
        ],
    )


def _carried(store: TableStore, day: date) -> DataFrame:
    """Return the plays after midnight of the sessions begun the day before."""
    return store.read_or_empty("plays", [day - timedelta(days=1)]).where(
        F.col("played_at") >= F.lit(midnight(day))
    )


def _count_excluded(store: TableStore, day: date, bots: list[str]) -> int:
    """Return the bots' events of the day that no session of the day before holds."""
    if not bots:
        return 0
    theirs = F.col("user_id").isin(bots)
    return int(store.read("events", [day]).where(theirs).count() - _carried(store, day).where(theirs).count())


PLAYS = Step(
    table="plays",
    phase="sessions",
    units=_units,
    reads=_reads,
    settings=lambda config: config.digest_of("sessions", "labels", "features"),
    commit=replaces(_rows),
    check=_check,
)
