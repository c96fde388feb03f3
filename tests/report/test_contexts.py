"""Attention by context, counted by hand."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from uae_model.config.features import Feature
from uae_model.report.contexts import MISSING, contexts, range_names

FEATURES = [
    Feature(name="device", kind="categorical", role="context"),
    Feature(name="hour_of_day", kind="categorical", role="context", source="session.hour_of_day"),
    Feature(name="gap", kind="numeric", role="both"),
    Feature(name="song", kind="categorical", role="context", source="event.song_id"),
    Feature(name="artist", kind="categorical", role="preference"),
    Feature(name="later", kind="categorical", role="context"),  # declared after the day was written
]
SCHEMA = (
    "device string, hour_of_day int, gap double, song_id string, artist string, is_active boolean, "
    "attention double"
)


def test_plays_are_counted_by_the_values_of_each_context(spark: SparkSession) -> None:
    rows = [
        ("car", 9, 1.0, "s", "a", False, 0.1),
        ("car", 10, 2.0, "s", "a", True, 0.3),
        ("phone", 9, 3.0, "s", "a", False, 0.5),
        (None, 9, None, "s", "a", False, 0.7),
    ]
    found = contexts(spark.createDataFrame(rows, SCHEMA), FEATURES)
    assert found is not None
    assert found.plays == 4
    assert found.mean_attention == pytest.approx(0.4)
    shown = {
        feature: [
            (one.value, one.rate.plays, one.rate.active, round(one.mean_attention, 6)) for one in values
        ]
        for feature, values in found.by_feature().items()
    }
    assert shown == {
        "device": [("car", 2, 1, 0.2), ("phone", 1, 0, 0.5), (MISSING, 1, 0, 0.7)],
        "hour_of_day": [("9", 3, 0, 0.433333), ("10", 1, 1, 0.3)],
        "gap": [("1.0", 1, 0, 0.1), ("2.0", 1, 1, 0.3), ("3.0", 1, 0, 0.5), (MISSING, 1, 0, 0.7)],
    }


def test_numbers_with_many_values_are_put_into_ranges(spark: SparkSession) -> None:
    gaps = [*map(float, range(1, 101)), None]
    rows = [("car", 9, gap, "s", "a", False, (gap or 50) / 100) for gap in gaps]
    found = contexts(spark.createDataFrame(rows, SCHEMA), FEATURES[2:3])
    assert found is not None
    assert [(one.value, one.rate.plays) for one in found.values] == [
        ("up to 20", 20),
        ("to 40", 20),
        ("to 60", 20),
        ("to 80", 20),
        ("over 80", 20),
        (MISSING, 1),
    ]
    assert found.values[0].mean_attention == pytest.approx(0.105)


def test_the_hours_of_a_day_are_shown_one_by_one(spark: SparkSession) -> None:
    rows = [("car", n % 24, 0.0, "s", "a", False, 0.5) for n in range(48)]
    found = contexts(spark.createDataFrame(rows, SCHEMA), FEATURES[1:2])
    assert found is not None
    assert [(one.value, one.rate.plays) for one in found.values] == [(str(n), 2) for n in range(24)]


def test_without_plays_or_contexts_there_is_nothing_to_show(spark: SparkSession) -> None:
    empty = spark.createDataFrame([], SCHEMA)
    assert contexts(empty, FEATURES) is None
    assert contexts(empty, FEATURES[4:5]) is None


def test_ranges_have_names() -> None:
    assert range_names([0.5]) == ["up to 0.5", "over 0.5"]
    assert range_names([1.0, 3600.0]) == ["up to 1", "to 3,600", "over 3,600"]
    assert range_names([0.44513, 1.09861]) == ["up to 0.445", "to 1.1", "over 1.1"]
