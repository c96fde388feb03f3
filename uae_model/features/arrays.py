"""Encoding of feature values without Spark, for the programs that read the weights.

Gives the same numbers as the Spark columns of ``uae_model.features.columns``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

SPARK_HASH_SEED = 42
"""The seed of Spark's ``xxhash64``; other engines need it to find the same bucket."""


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


def numbers_of(values: Any, transform: str) -> NDArray[np.float32]:
    """Return transformed numbers as float32; a missing value is NaN."""
    numbers = np.asarray(values, dtype=np.float64)
    if transform == "log1p":
        numbers = np.sign(numbers) * np.log1p(np.abs(numbers))
    return numbers.astype(np.float32)
