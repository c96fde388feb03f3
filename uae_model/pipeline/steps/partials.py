"""Mergeable aggregates of each day's events, where aggregates are declared."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame

from uae_model import __version__
from uae_model.config import Config
from uae_model.config.measures import entities, entity_measures, first_needed_day
from uae_model.core.digests import lines_digest
from uae_model.features.aggregates import partials_of_day
from uae_model.lake import Unit
from uae_model.pipeline.step import Night, Step, built_before, replaces
from uae_model.sessions.cut import bots_of_day

TABLE = "feature_partials"


def window_days(day: date, config: Config) -> list[date]:
    """Return the days, oldest first, whose partials the features of a day read."""
    aggregates = config.features.of_origin("aggregate")
    if not aggregates:
        return []
    first = first_needed_day(day, aggregates)
    return [first + timedelta(days=offset) for offset in range((day - first).days)]


def _units(night: Night) -> list[Unit]:
    """Return the days with events in the windows of the days of features that the night looks at."""
    looked_at = [unit.day for unit in built_before("features")(night)]
    days = sorted({day for features_day in looked_at for day in window_days(features_day, night.config)})
    return [Unit(TABLE, day) for day in days if night.knows("events", day) or night.knows(TABLE, day)]


def _rows(night: Night, day: date) -> tuple[DataFrame, dict[str, Any]]:
    store = night.store
    events = store.read("events", [day])
    return partials_of_day(events, bots_of_day(events, day, store.config), store.config), {}


def _settings(config: Config) -> str:
    """Return a digest of what partials depend on beside the events: not the windows, nor names and roles."""
    kept = {
        " x ".join(entity): sorted(measure.name for measure in entity_measures(features))
        for entity, features in entities(config).items()
    }
    rules = {
        "completed": config.aggregation.completed_seconds,
        "active": sorted(config.labels.active),
        "bots": config.sessions.max_plays_per_user_day,
    }
    return lines_digest([__version__, json.dumps([kept, rules], sort_keys=True)])


PARTIALS = Step(
    table=TABLE,
    phase="features",
    units=_units,
    reads=lambda day, config: [Unit("events", day)],
    settings=_settings,
    commit=replaces(_rows),
)
