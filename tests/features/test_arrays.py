"""Encoding without Spark gives the numbers of the Spark columns, value by value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.features.test_columns import categorical, declared
from uae_model.features.arrays import bucket_of, buckets_of, encoded_features, numbers_of
from uae_model.features.columns import categorical_buckets, numeric_values

BUCKETS = (2, 7, 1000, 10_000_000)
CONFIG = declared(
    *[categorical(f"text{buckets}", buckets, "event.song_id") for buckets in BUCKETS],
    categorical("hour", 24, "session.hour_of_day"),
    {"name": "plain", "kind": "numeric"},
    {"name": "log", "kind": "numeric", "transform": "log1p"},
)
SCHEMA = "song_id string, hour int, plain double, log double"

# One Spark job encodes a whole list, so a few lists are many values.
SOME = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
HOURS = st.none() | st.integers(-(2**31), 2**31 - 1)
NUMBERS = st.none() | st.floats(width=64)


def by_spark(spark: SparkSession, rows: Sequence[tuple[Any, ...]]) -> tuple[Any, Any]:
    """Return the buckets (rows, features) and the numbers (rows, features) of the Spark columns."""
    frame = spark.createDataFrame(list(rows), SCHEMA)
    rows = frame.select(categorical_buckets(CONFIG).alias("b"), numeric_values(CONFIG).alias("n")).collect()
    return (
        np.array([row["b"] for row in rows]),
        np.array([row["n"] for row in rows], dtype=np.float32),
    )


@SOME
@given(st.lists(st.tuples(TEXTS, HOURS), min_size=100, max_size=150))
def test_texts_and_integers_have_sparks_buckets(
    spark: SparkSession, values: list[tuple[str | None, int | None]]
) -> None:
    buckets, _ = by_spark(spark, [(text, hour, 0.0, 0.0) for text, hour in values])
    texts, hours = zip(*values, strict=True)
    for index, count in enumerate(BUCKETS):
        assert buckets_of(texts, count).tolist() == buckets[:, index].tolist()
    assert [bucket_of(hour, 24) for hour in hours] == buckets[:, -1].tolist()


def test_unusual_texts_have_sparks_buckets(spark: SparkSession) -> None:
    texts = ["", " ", "0", "Sigur Rós", "椎名林檎", "🎧", "null", "nan", "a" * 1000]
    buckets, _ = by_spark(spark, [(text, 0, 0.0, 0.0) for text in texts])
    for text, row in zip(texts, buckets, strict=True):
        assert [bucket_of(text, count) for count in BUCKETS] == row[:-1].tolist(), text


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # what float32 cannot hold is infinite
@SOME
@given(st.lists(NUMBERS, min_size=100, max_size=150))
def test_numbers_are_transformed_as_by_spark(spark: SparkSession, values: list[float | None]) -> None:
    _, numbers = by_spark(spark, [("", 0, value, value) for value in values])
    np.testing.assert_array_equal(numbers_of(values, "none"), numbers[:, 0])
    # Java and C may round the logarithm's last bit differently.
    np.testing.assert_allclose(numbers_of(values, "log1p"), numbers[:, 1], rtol=2e-7)


def test_known_values() -> None:
    # Trained networks depend on these buckets; SELECT pmod(xxhash64('rock'), 1000) + 1 gives them, too.
    assert [bucket_of(value, 1000) for value in ("rock", "jazz", None)] == [919, 107, 0]
    assert numbers_of([math.e - 1, -3.0, 0.0], "log1p") == pytest.approx([1.0, -math.log(4), 0.0])
    assert numbers_of([0.5, -2.0], "none").tolist() == [0.5, -2.0]


def test_values_that_repeat_are_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[object] = []

    def bucket_of(value: object, buckets: int) -> int:
        hashed.append(value)
        return len(hashed)

    monkeypatch.setattr("uae_model.features.arrays.bucket_of", bucket_of)
    hashed_buckets = buckets_of(pd.Series(["a", None, "a", "b", None]), 10)
    assert hashed_buckets.tolist() == [1, 2, 1, 3, 2]
    assert hashed_buckets.dtype == np.int64
    assert hashed == ["a", None, "b"]


def test_nothing_gives_empty_arrays() -> None:
    assert buckets_of([], 5).shape == (0,)
    assert numbers_of([], "log1p").dtype == np.float32


def test_columns_of_a_table_are_encoded_by_the_names_of_their_features() -> None:
    table = pa.table(
        {"song_id": ["a", None], "hour": pa.array([8, None], pa.int32()), "log": [math.e - 1, None]}
    )
    encoded = encoded_features(table, CONFIG.features)
    assert list(encoded) == list(CONFIG.features.names)
    assert encoded["text7"].tolist() == [bucket_of("a", 7), 0]
    assert encoded["log"].tolist() == pytest.approx([1.0, math.nan], nan_ok=True)
    # A whole number beside a missing one stays whole, which in a pandas frame it does not.
    assert encoded["hour"].tolist() == [bucket_of(8, 24), 0]
    assert [values.dtype for values in encoded.values()] == [np.int64] * 5 + [np.float32] * 2


def test_a_column_that_is_not_there_is_missing_in_every_row() -> None:
    encoded = encoded_features(pa.table({"song_id": ["a", "b"]}), CONFIG.features)
    assert encoded["hour"].tolist() == [0, 0]
    assert np.isnan(encoded["plain"]).all()
    assert encoded["plain"].shape == (2,)
