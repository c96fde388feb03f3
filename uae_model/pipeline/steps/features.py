"""Feature values of each play, where aggregates or attributes of dimensions are declared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame

from uae_model import __version__
from uae_model.config import Config
from uae_model.core.digests import lines_digest
from uae_model.core.errors import InputError
from uae_model.features.aggregates import features_of_day
from uae_model.features.dimensions import has_attributes, relevant_digests, with_attributes
from uae_model.lake import TableStore, Unit
from uae_model.pipeline.currency import examine
from uae_model.pipeline.step import Night, Outcome, Step, built_before, replaces, require_accepted
from uae_model.pipeline.steps.partials import window_days
from uae_model.publication.checks import Check


def has_joined_features(config: Config) -> bool:
    """Tell whether there is anything to do for this step."""
    return bool(config.features.joined)


def require_features(store: TableStore, days: Sequence[date]) -> None:
    """Raise InputError naming the days whose features do not fit their plays and the declaration.

    Rows of dimensions do not count: a day keeps the attributes it was built with once no night reopens it,
    or a row about last year would end training.
    """
    if not has_joined_features(store.config):
        return
    stale = [day for day in days if not _fits_plays(store, day)]
    if stale:
        raise InputError(
            f"table features: {', '.join(day.isoformat() for day in stale)} missing or older than the plays; "
            "run uae features --date for each, or uae backfill --until features"
        )


def _fits_plays(store: TableStore, day: date) -> bool:
    if store.states.accepted("features", day) is None:
        return False
    return examine(Night(store, day, day), FEATURES, Unit("features", day), with_undated=False) is None


def _requires(night: Night, unit: Unit) -> None:
    require_accepted(night, "plays", unit.day, f"uae sessions --date {unit.day}")


def _units(night: Night) -> list[Unit]:
    return built_before("features")(night) if has_joined_features(night.config) else []


def _reads(day: date, config: Config) -> list[Unit]:
    partials = [Unit("feature_partials", window_day) for window_day in window_days(day, config)]
    return [Unit("plays", day), *partials]


def _undated(config: Config) -> list[str]:
    return [dimension.table for dimension in config.dimensions] if has_attributes(config) else []


def _relevant(night: Night, unit: Unit) -> str:
    if not has_attributes(night.config):
        return ""
    plays, tables = night.store.read("plays", [unit.day]), _dimension_tables(night.store)
    return lines_digest([relevant_digests(plays, tables, [unit.day], night.config)[unit.day]])


def _rows(night: Night, day: date) -> tuple[DataFrame, dict[str, Any]]:
    config, store = night.config, night.store
    plays, count = store.read("plays", [day]), night.row_count("plays", day)
    if has_attributes(config):
        plays = with_attributes(plays, _dimension_tables(store), day, config, count)
    window = window_days(day, config)
    if window:
        partials = store.read_or_empty("feature_partials", window)
    else:
        partials = store.spark.createDataFrame([], store.contract("feature_partials").schema)
    return features_of_day(plays, partials, day, config, count), {
        "relevant": _relevant(night, Unit("features", day))
    }


def _check(night: Night, unit: Unit) -> Outcome:
    rows, plays = (night.row_count(table, unit.day) for table in ("features", "plays"))
    counted = f"{rows} rows for {plays} plays"
    return Outcome({"plays": plays}, [Check("each play has one row of features", rows == plays, counted)])


def _settings(config: Config) -> str:
    declared = [
        {"name": feature.name, **feature.aggregate.model_dump(mode="json")}
        for feature in config.features.of_origin("aggregate")
        if feature.aggregate is not None
    ]
    declared += [
        {"name": feature.name, "source": feature.source}
        for feature in config.features
        if feature.is_attribute
    ]
    return lines_digest([__version__, json.dumps(declared, sort_keys=True)])


def _dimension_tables(store: TableStore) -> dict[str, DataFrame]:
    return {dimension.table: store.read_or_empty(dimension.table) for dimension in store.config.dimensions}


FEATURES = Step(
    table="features",
    phase="features",
    units=_units,
    reads=_reads,
    undated=_undated,
    relevant=_relevant,
    settings=_settings,
    requires=_requires,
    commit=replaces(_rows, "plays"),
    check=_check,
)
