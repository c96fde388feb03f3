"""Step 2: events into plays, for a day and for the days before it that late events have reopened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.dates import midnight
from uae_model.core.errors import ContractError
from uae_model.core.logs import log
from uae_model.lake import TableStore, fingerprint
from uae_model.sessions.cut import (
    bots_of_day,
    event_days,
    events_of_day,
    lookback_days,
    open_sessions,
    plays_of_day,
)

PLAYS_SETTINGS = ("sessions", "labels", "features")


@dataclass(frozen=True)
class DayOfPlays:
    """A day of ``plays`` and how its events are accounted for.

    ``events = plays_on_day + carried + excluded``: each event of the UTC day is a play of the day, a play
    of a session that began the day before, or cut as a bot's.
    """

    day: date
    plays: int
    sessions: int
    events: int
    carried: int
    excluded: int


def is_current(store: TableStore, day: date) -> bool:
    """Tell whether a day of ``plays`` was built from just the data and settings that are there now."""
    commit = store.last_commit("plays", day)
    return (
        commit is not None
        and commit.metadata["inputs"] == _inputs(store, day)
        and commit.metadata["settings"] == store.config.digest_of(*PLAYS_SETTINGS)
    )


def reopened_days(store: TableStore, day: date) -> list[date]:
    """Return the days before ``day``, oldest first, whose events or open sessions have changed.

    A late event may reach back ``feed.late_days`` from the newest slot, and moves the end of sessions
    that began a day earlier still. Rebuilding a day may change the next, so all from the first on count.
    """
    within_reach = days_in_reach(day, store.config)
    for index, earlier in enumerate(within_reach):
        if _has_events(store, earlier) and not is_current(store, earlier):
            return within_reach[index:]
    return []


def days_in_reach(day: date, config: Config) -> list[date]:
    """Return the days before ``day``, oldest first, that late events of tonight's feed can change."""
    return [day - timedelta(days=back) for back in range(config.feed.late_days + 1, 0, -1)]


def build_day(store: TableStore, day: date) -> DayOfPlays:
    """Build a day of ``plays`` where it is not current, and account for every event of the day.

    Raises:
        ContractError: if an event of the day is neither a play, nor carried, nor excluded.
    """
    if is_current(store, day):
        log("plays are current", dt=day)
        return account(store, day)
    config = store.config
    events = events_of_day(store.read_or_empty("events", event_days(day, config)), day, config)
    before = store.read_or_empty("plays", lookback_days(day, config))
    bots = bots_of_day(events, day, config)
    metadata = {
        "step": "sessions",
        "inputs": _inputs(store, day),
        "settings": config.digest_of(*PLAYS_SETTINGS),
        "excluded": _count_excluded(store, day, [row["user_id"] for row in bots.collect()]),
    }
    plays = plays_of_day(events, open_sessions(before, day, config), bots, day, config)
    store.replace_day("plays", day, plays, metadata)
    result = account(store, day)
    log("plays written", **vars(result))
    return result


def account(store: TableStore, day: date) -> DayOfPlays:
    """Count a day's events and plays as the tables hold them now, and check that none is lost.

    Raises:
        ContractError: with the counts, if they do not add up.
    """
    commit = store.last_commit("plays", day)
    excluded = int(commit.metadata["excluded"]) if commit else 0
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
    if events != row["on_day"] + carried + excluded:
        raise ContractError(
            f"table plays, dt={day}: {events} events are not {row['on_day']} plays of the day + {carried} "
            f"of sessions begun the day before + {excluded} of bots"
        )
    return DayOfPlays(day, row["plays"], row["sessions"], events, carried, excluded)


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


def _inputs(store: TableStore, day: date) -> str:
    config = store.config
    events = events_of_day(store.read_or_empty("events", event_days(day, config)), day, config)
    return fingerprint(events, store.read_or_empty("plays", lookback_days(day, config)))


def _has_events(store: TableStore, day: date) -> bool:
    return bool(store.read_or_empty("events", [day]).inputFiles())
