"""Plays and truth of some days as numbers in files, which base models are trained and judged on."""

from __future__ import annotations

from datetime import date

import fsspec
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.digests import NAME_DIGITS, json_digest
from uae_model.core.errors import ContractError
from uae_model.core.logs import log
from uae_model.evaluation.plays import (
    UNKNOWN,
    EvaluationPlays,
    describe_files,
    description_of,
    read_evaluation_plays,
)
from uae_model.features.columns import categorical_buckets, numeric_values, plays_with_features
from uae_model.lake import TableStore

Splits = dict[int, list[date]]

USER_PARTS = 1 << 20
"""Parts of equal size that users fall into by a hash of their id."""


def evaluation_rows(plays: DataFrame, truth: DataFrame | None, splits: Splits, config: Config) -> DataFrame:
    """Return a row for each play: numbers alone, as ``uae_model.evaluation.plays`` reads them.

    Args:
        plays: rows of ``plays``.
        truth: rows of ``truth``; None where there is none.
        splits: the days of each split.
        config: the features.
    """
    known = {"relevance": F.lit(UNKNOWN), "attended": F.lit(UNKNOWN)}
    if truth is not None:
        # Prefixed: a feature may have any name.
        true = truth.select(
            F.col("event_id").alias("_event"),
            *(F.col(name).cast("int").alias(f"_{name}") for name in known),
        )
        plays = plays.join(true, F.col("event_id") == F.col("_event"), "left")
        known = {name: F.coalesce(F.col(f"_{name}"), F.lit(UNKNOWN)) for name in known}
    return plays.select(
        F.xxhash64("session_id").alias("session"),
        F.col("position").cast("int").alias("position"),
        F.xxhash64("user_id").alias("user"),
        _split(splits).alias("split"),
        F.col("is_active").cast("int").alias("active"),
        F.col("label").cast("int").alias("label"),
        *(value.cast("int").alias(name) for name, value in known.items()),
        categorical_buckets(config).alias("categorical"),
        numeric_values(config).alias("numeric"),
    )


def some_users(plays: DataFrame, max_plays: int) -> DataFrame:
    """Return all plays of some users, about ``max_plays`` in all; the same users whatever the day."""
    share = max_plays / max(1, plays.count())
    if share >= 1:
        return plays
    return plays.where(F.pmod(F.xxhash64("user_id"), F.lit(USER_PARTS)) < int(share * USER_PARTS))


def _split(splits: Splits) -> Column:
    cases = [F.when(F.col("dt").isin(days), split) for split, days in splits.items()]
    return F.coalesce(*cases)


def evaluation_plays(store: TableStore, splits: Splits, max_plays: int | None = None) -> EvaluationPlays:
    """Write the plays of one version of the table where that has not been done, and read them.

    Args:
        store: with the plays of the days, and the simulation's truth where there is one.
        splits: the days of each split.
        max_plays: of about so many, at most; of more, users are drawn, each with all of its plays.
    """
    config = store.config
    version = store.latest_version("plays")
    truth_version = store.latest_version("truth") if store.exists("truth") else None
    versions = {"plays": version, "truth": truth_version}
    features_version = store.latest_version("features") if config.features.joined else None
    if features_version is not None:
        versions["features"] = features_version
    identity = _identity(config, splits, {**versions, **({"max_plays": max_plays} if max_plays else {})})
    root = f"{config.paths.snapshots.rstrip('/')}/evaluation-{identity}"
    if description_of(root) is None:
        days = [day for chosen in splits.values() for day in chosen]
        plays = plays_with_features(store, days, plays_version=version, features_version=features_version)
        if max_plays is not None:
            plays = some_users(plays, max_plays)
        truth = None if truth_version is None else store.read("truth", version=truth_version)
        rows = evaluation_rows(plays, truth, splits, config)
        if not config.features.numeric:
            rows = rows.drop("numeric")  # Petastorm cannot stack arrays of no elements
        rows.write.mode("overwrite").option("compression", "zstd").parquet(f"{root}/rows")
        _describe(root, plays.count(), config)
        log("evaluation plays written", path=root, plays_version=version, truth_version=truth_version)
    return read_evaluation_plays(root, identity)


def _describe(root: str, rows: int, config: Config) -> None:
    filesystem, base = fsspec.core.url_to_fs(root)
    files = sorted(path.removeprefix(f"{base}/") for path in filesystem.glob(f"{base}/rows/*.parquet"))
    if not files:
        raise ContractError(f"evaluation plays at {root}: nothing was written")
    describe_files(root, rows, files, len(config.features.numeric))


def _identity(config: Config, splits: Splits, versions: dict[str, int | None]) -> str:
    content = {
        "features": config.features.to_plain(),
        "table": config.paths.tables,
        "versions": versions,
        "splits": {split: [day.isoformat() for day in days] for split, days in splits.items()},
    }
    return json_digest(content, NAME_DIGITS)
