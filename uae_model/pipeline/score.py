"""Step 4: plays into weights, with the champion resolved once."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.errors import InputError
from uae_model.core.logs import log
from uae_model.features.columns import plays_with_features
from uae_model.features.drift import day_health
from uae_model.lake import TableStore, fingerprint
from uae_model.pipeline.features import has_joined_features, require_features
from uae_model.registry.client import Champion
from uae_model.scoring.udf import score_plays, serialise
from uae_model.weights.resolution import resolve_weight_function


def plays_changed(store: TableStore, day: date) -> bool:
    """Tell whether a day that was scored before has other plays now."""
    commit = store.last_commit("weights", day)
    return commit is not None and commit.metadata["plays"] != _plays_inputs(store, day)


def score_day(store: TableStore, champion: Champion, day: date) -> int:
    """Write a day of ``weights`` where it is not current; return the number of rows.

    Raises:
        InputError: if the day has no plays, or not the features that are declared.
    """
    config = store.config
    if store.last_commit("plays", day) is None:
        raise InputError(f"{day} has no plays; run uae sessions --date {day} first")
    built_from = {
        "plays": _plays_inputs(store, day),
        "settings": config.digest(),
        "attention_version": champion.attention_version,
        "propensity_version": champion.propensity_version,
    }
    require_features(store, [day])
    plays = plays_with_features(store, [day])
    count = plays.count()
    commit = store.last_commit("weights", day)
    if commit is not None and all(commit.metadata.get(k) == v for k, v in built_from.items()):
        log("weights are current", dt=day)
        return count
    weighting = resolve_weight_function(config.weights, champion.traits, champion.state["calibration"])
    networks = store.spark.sparkContext.broadcast(serialise(champion.state))
    scored = (
        score_plays(plays, networks, weighting, config, count)
        .withColumn("attention_model_version", F.lit(champion.attention_version))
        .withColumn("propensity_model_version", F.lit(champion.propensity_version))
        .withColumn("run_id", F.lit(config.run_id(day.isoformat())))
    )
    if config.publication.feature_health:
        write_health(store, champion, day, plays, count)  # before the weights, whose commit says: all done
    store.replace_day("weights", day, scored, {"step": "score", **built_from})
    networks.unpersist()
    log(
        "weights written",
        dt=day,
        weights=count,
        attention_version=champion.attention_version,
        weighting=weighting.describe(),
    )
    return count


def write_health(store: TableStore, champion: Champion, day: date, plays: DataFrame, count: int) -> None:
    """Write the day of ``feature_health``: its features against the champion's training window."""
    reference = {feature.name: feature for feature in champion.references}
    fields = {
        "attention_model_version": champion.attention_version,
        "run_id": store.config.run_id(day.isoformat()),
        "dt": day,
    }
    rows = [{**health.to_row(), **fields} for health in day_health(plays, reference, count, store.config)]
    schema = store.contract("feature_health").schema
    frame = store.spark.createDataFrame([[row[name] for name in schema.fieldNames()] for row in rows], schema)
    store.replace_day("feature_health", day, frame, {"step": "score"})


def _plays_inputs(store: TableStore, day: date) -> str:
    """Return a digest of the rows that scoring reads."""
    plays = store.read_or_empty("plays", [day])
    if not has_joined_features(store.config):
        return fingerprint(plays)
    return fingerprint(plays, store.read_or_empty("features", [day]))
