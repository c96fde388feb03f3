"""Plays and truth as the numbers that base models read: a DataFrame to a DataFrame."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.evaluation.plays import UNKNOWN
from uae_model.features.columns import categorical_buckets, numeric_values

Splits = dict[int, list[date]]
"""The days of each split."""


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


def _split(splits: Splits) -> Column:
    cases = [F.when(F.col("dt").isin(days), split) for split, days in splits.items()]
    return F.coalesce(*cases)
