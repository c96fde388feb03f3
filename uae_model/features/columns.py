"""Encoding of declared features, the same columns for training and for scoring.

Categorical values are hashed (xxhash64 of their text, modulo the declared buckets): no vocabulary has to
travel with the model and an unseen song is no error. Numeric values are transformed here and standardised
inside the network by statistics of the training window. ``uae_model.features.arrays`` gives the same numbers
without Spark.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Feature
from uae_model.lake import TableStore


def plays_with_features(
    store: TableStore,
    days: Iterable[date],
    *,
    plays_version: int | None = None,
    features_version: int | None = None,
) -> DataFrame:
    """Return the plays of some days with every declared feature: what training and scoring both read.

    Without aggregates and attributes of dimensions these are the plays as they stand.
    """
    wanted = list(days)
    plays = store.read("plays", wanted, version=plays_version)
    names = [feature.name for feature in store.config.features.joined]
    if not names:
        return plays
    values = store.read("features", wanted, version=features_version)
    return plays.join(values.select("event_id", "dt", *names), ["event_id", "dt"], "left").select(
        *[name for name in plays.columns if name != "dt"], *names, "dt"
    )


def bucket_columns(config: Config) -> list[Column]:
    """Return the bucket number (int) of each categorical feature, in the order of the declaration."""
    return [_bucket(_value(f), f.buckets) for f in config.features.categorical]


def number_columns(config: Config) -> list[Column]:
    """Return the transformed number (float, NaN where missing) of each numeric feature, in their order."""
    return [_transformed(_value(f), f) for f in config.features.numeric]


def categorical_buckets(config: Config) -> Column:
    """Return the play's bucket numbers as ``array<int>``, in the order of the declaration."""
    return F.array(*bucket_columns(config))


def numeric_values(config: Config) -> Column:
    """Return the play's transformed numbers as ``array<float>``; a missing value is NaN."""
    values = number_columns(config)
    return F.array(*values) if values else F.array().cast("array<float>")


def _value(feature: Feature) -> Column:
    """Return the column of ``plays`` that holds a feature's value."""
    return F.col(feature.column)


def _bucket(value: Column, buckets: int) -> Column:
    text = value.cast("string")
    hashed = F.pmod(F.xxhash64(text), F.lit(buckets)) + 1
    return F.when(text.isNull(), 0).otherwise(hashed).cast("int")


def _transformed(value: Column, feature: Feature) -> Column:
    number = value.cast("double")
    if feature.transform == "log1p":
        number = F.signum(number) * F.log1p(F.abs(number))  # keeps the sign of a negative value
    return F.coalesce(number, F.lit(float("nan"))).cast("float")
