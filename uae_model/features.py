"""Encoding of declared features, the same columns for training and for scoring.

Categorical values are hashed (xxhash64 of their text, modulo the declared buckets): no vocabulary has to
travel with the model and an unseen song is no error. Numeric values are transformed here and standardised
inside the network by statistics of the training window.
"""

from __future__ import annotations

import xxhash
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Feature

SPARK_HASH_SEED = 42
"""The seed of Spark's ``xxhash64``; other engines need it to find the same bucket."""


def categorical_buckets(config: Config) -> Column:
    """Return the play's bucket numbers as ``array<int>``, in the order of the declaration."""
    return F.array(*[_bucket(_value(f), f.buckets) for f in config.features_of_kind("categorical")])


def numeric_values(config: Config) -> Column:
    """Return the play's transformed numbers as ``array<float>``; a missing value is NaN."""
    values = [_transformed(_value(f), f) for f in config.features_of_kind("numeric")]
    return F.array(*values) if values else F.array().cast("array<float>")


def bucket_of(value: str | None, buckets: int) -> int:
    """Return the bucket of a categorical value without Spark; the same as in the tables' readers.

    Bucket 0 is a missing value; a known value has 1 ... ``buckets``.
    """
    if value is None:
        return 0
    unsigned = xxhash.xxh64_intdigest(value.encode(), seed=SPARK_HASH_SEED)
    signed = unsigned - 2**64 if unsigned >= 2**63 else unsigned
    return signed % buckets + 1


def _value(feature: Feature) -> Column:
    """Return the column of ``plays`` that holds a feature's value."""
    return F.col(feature.source_column if feature.origin == "event" else feature.name)


def _bucket(value: Column, buckets: int) -> Column:
    text = value.cast("string")
    hashed = F.pmod(F.xxhash64(text), F.lit(buckets)) + 1
    return F.when(text.isNull(), 0).otherwise(hashed).cast("int")


def _transformed(value: Column, feature: Feature) -> Column:
    number = value.cast("double")
    if feature.transform == "log1p":
        number = F.signum(number) * F.log1p(F.abs(number))  # keeps the sign of a negative value
    return F.coalesce(number, F.lit(float("nan"))).cast("float")
