"""Declarations, events and a slow but obvious reference for aggregate features."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from tests.builders import Event, events_frame
from uae_model.config import Aggregate, Config, parse_config
from uae_model.features.aggregates import features_of_day, partials_of_day
from uae_model.lake import contract_for
from uae_model.sessions.cut import BOTS, events_of_day, open_sessions, plays_of_day


def aggregate(name: str, entity: Sequence[str], function: str, windows: Any, **more: Any) -> dict[str, Any]:
    """Return the declaration of an aggregate."""
    declared = {"entity": list(entity), "function": function, "windows": windows, **more}
    return {"name": name, "role": "preference", "aggregate": declared}


def session(name: str, kind: str = "numeric") -> dict[str, Any]:
    """Return the declaration of a feature of the session so far."""
    return {"name": name, "kind": kind, "role": "context", "source": f"session.{name}"}


EVERY_FUNCTION = parse_config(
    {
        "features": [
            {"name": "artist", "kind": "categorical", "role": "both"},
            {"name": "energy", "kind": "numeric", "role": "both"},
            *[session(name) for name in ("play_rank", "gap_seconds", "session_minutes", "same_artist")],
            aggregate("plays", ["user"], "count", [1, 2]),
            aggregate("artists", ["user"], "approx_distinct", 2, value="artist"),
            aggregate("likes", ["artist"], "rate", 2, feedback=["like", "share"]),
            aggregate("heard", ["song"], "mean", 1, value="played_seconds", plays="completed"),
            aggregate("energy_of", ["user", "artist"], "sum", 2, value="energy"),
            aggregate("since", ["user", "artist"], "last_seen", 2, plays="active"),
        ]
    }
)
"""A configuration with each function, several entities and each kind of filter."""


def artist_of(event: Event) -> str | None:
    """Return the artist that a song's name carries: ``artist/song``; none for a song without one."""
    return event.song_id.rpartition("/")[0] or None


def energy_of(event: Event) -> float | None:
    """Return a number that some songs lack."""
    return None if event.song_id.endswith("quiet") else len(event.song_id) / 7


def plays_and_features(
    spark: SparkSession, events: Sequence[Event], day: date, config: Config
) -> dict[str, dict[str, Any]]:
    """Return every column of the plays of ``day`` and their aggregates, by event id."""
    columns = {"artist": artist_of, "energy": energy_of}
    frame = events_frame(spark, events, config, columns).localCheckpoint()
    nobody = spark.createDataFrame([], BOTS)
    no_plays = spark.createDataFrame([], contract_for("plays", config).schema)
    plays = plays_of_day(
        events_of_day(frame, day, config), open_sessions(no_plays, day, config), nobody, day, config
    ).localCheckpoint()
    partials = partials_of_day(frame, nobody, config)
    values = features_of_day(plays, partials, day, config, plays.count())
    joined = plays.join(values.drop("dt"), "event_id", "left").collect()
    return {row["event_id"]: row.asDict() for row in joined}


def reference(events: Sequence[Event], play: Event, day: date, wanted: Aggregate, config: Config) -> Any:
    """Return a feature of a play by looking through all events, as the declaration says in words."""
    mine = _entity(play, wanted)
    if None in mine:
        return None
    counted, everything = [], []
    for event in events:
        is_before = day - timedelta(days=wanted.window) <= event.played_at.date() < day
        if is_before and _entity(event, wanted) == mine:
            everything.append(event)
            if _counts(event, wanted, config):
                counted.append(event)
    values = [value for value in (_value(event, wanted.value) for event in counted) if value is not None]
    if wanted.function == "count":
        return float(len(counted))
    if wanted.function == "rate":
        return len(counted) / len(everything) if everything else None
    if wanted.function == "approx_distinct":
        return float(len(set(values)))
    if wanted.function == "last_seen":
        return _days_since(play, [event.played_at for event in counted])
    total = sum(round(value * 1e6) for value in values) / 1e6
    return total if wanted.function == "sum" else total / len(values) if values else None


def _entity(event: Event, wanted: Aggregate) -> tuple[Any, ...]:
    columns = {"user": event.user_id, "song": event.song_id, "artist": artist_of(event)}
    return tuple(columns[name] for name in wanted.entity)


def _counts(event: Event, wanted: Aggregate, config: Config) -> bool:
    if wanted.feedback and event.feedback not in wanted.feedback:
        return False
    if wanted.plays == "completed":
        return (event.played_ms or 0) >= config.aggregation.completed_seconds * 1000
    is_active = event.feedback in config.labels.active
    return {"all": True, "active": is_active, "passive": not is_active}[wanted.plays]


def _value(event: Event, column: str) -> Any:
    if column == "played_seconds":
        return None if event.played_ms is None else event.played_ms / 1000
    return {"": None, "artist": artist_of(event), "energy": energy_of(event)}[column]


def _days_since(play: Event, times: Sequence[datetime]) -> float | None:
    return (play.played_at - max(times)) / timedelta(days=1) if times else None
