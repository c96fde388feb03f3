"""Encoding of feature values without Spark, for the programs that read the weights.

Gives the same numbers as the Spark columns of ``uae_model.features.columns``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

SPARK_HASH_SEED = 42
"""The seed of Spark's ``xxhash64``; other engines need it to find the same bucket."""


EncodedValues = NDArray[np.int64] | NDArray[np.float32]


class EncodableFeature(Protocol):
    """What it takes to encode a feature: one of ``published_features``, or of a configuration."""

    @property
    def name(self) -> str:
        """What the encoded values are named by."""

    @property
    def column(self) -> str:
        """The column of ``weights`` that holds the value."""

    @property
    def kind(self) -> Literal["categorical", "numeric"]:
        """How it is encoded."""

    @property
    def buckets(self) -> int:
        """Hash buckets of a categorical feature."""

    @property
    def transform(self) -> str:
        """What the number of a numeric feature goes through."""


def encoded_features(weights: pa.Table, features: Iterable[EncodableFeature]) -> dict[str, EncodedValues]:
    """Return the encoded values of each feature by its name, one for each row.

    Args:
        weights: the published weights, or some columns of them. A feature whose column is not there is
            missing in every row: it may be newer than the day. (A pandas frame would not do: where a value
            is missing it turns whole numbers into others, which have other buckets.)
        features: those to encode.
    """
    there = set(weights.column_names)
    return {
        feature.name: encoded_values(
            feature,
            weights[feature.column].to_pylist() if feature.column in there else [None] * weights.num_rows,
        )
        for feature in features
    }


def encoded_values(feature: EncodableFeature, values: Iterable[Any]) -> EncodedValues:
    """Return int64 bucket numbers of a categorical feature, or float32 numbers of a numeric one.

    A missing value has the bucket 0, or is NaN.
    """
    if feature.kind == "categorical":
        return buckets_of(values, feature.buckets)
    return numbers_of(values, feature.transform)


def bucket_of(value: object, buckets: int) -> int:
    """Return the bucket of one categorical value.

    Bucket 0 is a missing value; a known value has 1 ... ``buckets``.
    """
    if value is None:
        return 0
    unsigned = xxhash.xxh64_intdigest(str(value).encode(), seed=SPARK_HASH_SEED)
    signed = unsigned - 2**64 if unsigned >= 2**63 else unsigned
    return signed % buckets + 1


def buckets_of(values: Iterable[Any], buckets: int) -> NDArray[np.int64]:
    """Return the bucket of each value; a value that repeats is hashed once."""
    known: dict[Any, int] = {}
    return np.fromiter(
        (known[v] if v in known else known.setdefault(v, bucket_of(v, buckets)) for v in values),
        dtype=np.int64,
    )


def buckets_of_column(values: pa.ChunkedArray, buckets: int, known: dict[Any, int]) -> NDArray[np.int64]:
    """Return the bucket of each value of a column; a value that repeats is hashed once.

    Args:
        values: of a categorical feature.
        buckets: of the feature.
        known: buckets of values that came before, to which new ones are added.
    """
    encoded = values.combine_chunks().dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    for value in distinct:
        if value not in known:
            known[value] = bucket_of(value, buckets)
    index = encoded.indices.fill_null(len(distinct)).to_numpy()
    result: NDArray[np.int64] = np.array([*(known[value] for value in distinct), 0], dtype=np.int64)[index]
    return result


def numbers_of(values: Any, transform: str) -> NDArray[np.float32]:
    """Return transformed numbers as float32; a missing value is NaN."""
    numbers = np.asarray(values, dtype=np.float64)
    if transform == "log1p":
        numbers = np.sign(numbers) * np.log1p(np.abs(numbers))
    return numbers.astype(np.float32)
