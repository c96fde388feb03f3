"""The features of a scored day against the training window of the champion."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyspark.sql import DataFrame

from uae_model.features.columns import plays_with_features
from uae_model.features.drift import day_health
from uae_model.lake import Unit
from uae_model.pipeline.step import Night, Step, built_before, replaces
from uae_model.pipeline.steps.scores import champion_input, reads_scored, require_plays_and_features


def _units(night: Night) -> list[Unit]:
    return built_before("feature_health")(night) if night.config.publication.feature_health else []


def _rows(night: Night, day: date) -> tuple[DataFrame, dict[str, Any]]:
    """Return the day's features against the champion's training window."""
    store, champion = night.store, night.champion
    reference = {feature.name: feature for feature in champion.references}
    fields = {
        "attention_model_version": champion.attention_version,
        "run_id": store.config.run_id(day.isoformat()),
        "dt": day,
    }
    plays = plays_with_features(store, [day])
    health = day_health(plays, reference, night.row_count("plays", day), store.config)
    rows = [{**feature.to_row(), **fields} for feature in health]
    schema = store.contract("feature_health").schema
    frame = store.spark.createDataFrame([[row[name] for name in schema.fieldNames()] for row in rows], schema)
    return frame, {}


FEATURE_HEALTH = Step(
    table="feature_health",
    phase="score",
    units=_units,
    reads=reads_scored,
    outside=champion_input,
    pinned=frozenset({"model"}),
    settings=lambda config: config.digest_of("features", "publication"),
    requires=require_plays_and_features,
    commit=replaces(_rows),
)
