"""Encoded features: buckets by Spark's hash, transformed numbers, what is missing."""

from __future__ import annotations

import math
from typing import Any

import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from uae_model.config import Config, parse_config
from uae_model.features.columns import categorical_buckets, numeric_values


def declared(*features: dict[str, Any]) -> Config:
    return parse_config({"features": [{"role": "both", **feature} for feature in features]})


def categorical(name: str, buckets: int, source: str = "") -> dict[str, Any]:
    return {"name": name, "kind": "categorical", "buckets": buckets, "source": source}


def expected_bucket(text: str, buckets: int) -> int:
    """Return XXH64 with Spark's seed 42 as a signed number, modulo the buckets, from 1."""
    unsigned = xxhash.xxh64_intdigest(text.encode(), seed=42)
    return (unsigned - (unsigned >> 63 << 64)) % buckets + 1


CONFIG = declared(
    categorical("genre", 7),
    {"name": "tempo", "kind": "numeric"},
    categorical("hour", 24, "session.hour_of_day"),
    categorical("listener", 1000, "event.user_id"),
    {"name": "pause", "kind": "numeric", "transform": "log1p"},
)
SCHEMA = "genre string, tempo double, hour int, user_id string, pause double"


def encode(spark: SparkSession, rows: list[tuple[Any, ...]]) -> list[tuple[list[int], list[float]]]:
    frame = spark.createDataFrame(rows, SCHEMA)
    encoded = frame.select(
        categorical_buckets(CONFIG).alias("buckets"), numeric_values(CONFIG).alias("numbers")
    )
    assert [field.dataType.simpleString() for field in encoded.schema] == ["array<int>", "array<float>"]
    return [(row["buckets"], row["numbers"]) for row in encoded.collect()]


def test_values_stand_in_the_order_of_their_declaration(spark: SparkSession) -> None:
    ((buckets, numbers),) = encode(spark, [("rock", 120.5, 23, "u1", math.e - 1)])
    assert buckets == [expected_bucket("rock", 7), expected_bucket("23", 24), expected_bucket("u1", 1000)]
    assert numbers == [120.5, 1.0]


def test_what_is_missing_has_bucket_zero_or_no_number(spark: SparkSession) -> None:
    ((buckets, numbers),) = encode(spark, [(None, None, None, "u", None)])
    assert buckets[:2] == [0, 0]
    assert buckets[2] > 0
    assert all(math.isnan(number) for number in numbers)


def test_a_logarithm_keeps_zero_and_the_sign(spark: SparkSession) -> None:
    numbers = [
        numbers[1] for _, numbers in encode(spark, [("", 0.0, 1, "", value) for value in (0.0, -3.0, 3.0)])
    ]
    assert numbers == pytest.approx([0.0, -math.log(4), math.log(4)])


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=150, max_size=200)
)
def test_any_text_has_the_bucket_of_its_hash(spark: SparkSession, texts: list[str]) -> None:
    encoded = encode(spark, [(text, 0.0, 0, text, 0.0) for text in texts])
    for text, (buckets, _) in zip(texts, encoded, strict=True):
        assert (buckets[0], buckets[2]) == (expected_bucket(text, 7), expected_bucket(text, 1000))


def test_a_declaration_without_numbers_gives_empty_arrays(spark: SparkSession) -> None:
    config = declared(categorical("genre", 7))
    row = spark.createDataFrame([("rock",)], "genre string").select(numeric_values(config).alias("numbers"))
    assert row.schema["numbers"].dataType.simpleString() == "array<float>"
    assert row.collect()[0]["numbers"] == []
