"""Health of features: bins, what is missing or new, drift by hand, and one rule of quantiles everywhere."""

from __future__ import annotations

import math

import pytest
import torch
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import parse_config
from uae_model.core.errors import ConfigError
from uae_model.features.arrays import bucket_of
from uae_model.features.drift import (
    bin_of,
    day_health,
    decile_boundaries,
    population_stability_index,
    references,
)
from uae_model.features.references import FeatureReference
from uae_model.models.networks import padded_boundaries, quantile_positions
from uae_model.publication.checks import psi_check

CONFIG = parse_config(
    {
        "features": [
            {"name": "genre", "kind": "categorical", "role": "both", "buckets": 1000},
            {"name": "tempo", "kind": "numeric", "role": "both", "transform": "quantile"},
        ]
    }
)
SCHEMA = "event_id string, genre string, tempo double"


def test_a_day_like_the_window_is_stable_and_another_is_not(spark: SparkSession) -> None:
    window = [(str(n), "rock" if n % 2 else "jazz", float(n)) for n in range(100)]
    plays = spark.createDataFrame(window, SCHEMA)
    reference = {feature.name: feature for feature in references(plays, CONFIG)}
    assert reference["genre"].shares == {str(bucket_of(g, 1000)): 0.5 for g in ("rock", "jazz")}
    assert reference["tempo"].boundaries == (9, 19, 29, 39, 49, 59, 69, 79, 89)
    assert reference["tempo"].shares == {"1": 0.09, **{str(n): 0.1 for n in range(2, 10)}, "10": 0.11}

    same = {feature.feature: feature for feature in day_health(plays, reference, 100, CONFIG)}
    assert [same[name].psi for name in ("genre", "tempo")] == [0, 0]
    assert (same["tempo"].mean, same["tempo"].missing_share, same["tempo"].unseen_share) == (49.5, 0, None)
    assert same["tempo"].quantiles == [4, 24, 49, 74, 94]
    assert (same["genre"].unseen_share, type(same["genre"].unseen_share)) == (
        0.0,
        float,
    )  # Spark wants no int

    other = spark.createDataFrame(
        [("a", "rock", 500.0), ("b", None, None), ("c", "polka", 500.0), ("d", "rock", 500.0)], SCHEMA
    )
    moved = {feature.feature: feature for feature in day_health(other, reference, 4, CONFIG)}
    assert (moved["genre"].missing_share, moved["genre"].unseen_share) == (0.25, 0.25)
    # Bins: missing 0 -> 1/4, jazz 1/2 -> 0, rock 1/2 -> 1/2, the rest 0 -> 1/4; nothing counts as 1e-4.
    expected = 2 * (0.25 - 1e-4) * math.log(0.25 / 1e-4) + (1e-4 - 0.5) * math.log(1e-4 / 0.5)
    assert moved["genre"].psi == pytest.approx(expected)
    assert (moved["tempo"].psi or 0) > 1
    assert [feature.psi for feature in day_health(other, {}, 4, CONFIG)] == [None, None]


def test_the_index_by_hand() -> None:
    assert population_stability_index([0.5, 0.5], [0.25, 0.75]) == pytest.approx(
        -0.25 * math.log(0.5) + 0.25 * math.log(1.5)
    )


def test_spark_and_torch_cut_quantiles_alike(spark: SparkSession) -> None:
    boundaries = (-1.5, 0.0, 0.1, 7.25)
    numbers = [-9.0, -1.5, -0.0, 0.05, 0.1, 7.0, 7.25, 1e9, math.nan]
    frame = spark.createDataFrame([(number,) for number in numbers], "x double")
    bins = [row[0] for row in frame.select(bin_of(F.col("x").cast("float"), boundaries)).collect()]
    x_BTF = torch.tensor(numbers).reshape(1, -1, 1)
    positions = quantile_positions(x_BTF, padded_boundaries([boundaries])).flatten()
    assert bins == [1, 2, 3, 3, 4, 4, 5, 5, 0]
    expected = torch.tensor([(number - 1) / 4 if number else math.nan for number in bins])
    torch.testing.assert_close(positions, expected, equal_nan=True)
    # A feature without boundaries passes as it is beside one with them.
    both = quantile_positions(x_BTF.expand(-1, -1, 2), padded_boundaries([boundaries, ()]))
    torch.testing.assert_close(both[..., 1:], x_BTF, equal_nan=True)


def test_a_feature_that_is_always_missing_has_no_deciles(spark: SparkSession) -> None:
    assert decile_boundaries(spark.createDataFrame([("a", "rock", None)], SCHEMA), CONFIG) == {"tempo": ()}
    assert FeatureReference("tempo").boundaries == ()


def test_the_gate_names_the_features_that_drifted() -> None:
    psi_by_feature = {"a": 0.1, "b": 0.4, "c": 0.9, "day_of_week": 5.0}
    failed = psi_check(psi_by_feature, 0.25, ("day_of_week",))
    assert str(failed) == "stability index of each feature at most 0.25: FAILED (c 0.90, b 0.40)"
    assert str(psi_check(psi_by_feature, 1.0, ("day_of_week",))).endswith("at most 1: ok (at most 0.90)")
    assert not psi_check({}, 1.0, ()).passed  # nothing to compare with is no pass


def test_a_gate_needs_the_health_it_reads() -> None:
    with pytest.raises(ConfigError, match=r"max_psi is checked only where publication.feature_health = true"):
        parse_config({"features": list(CONFIG.features), "publication": {"max_psi": 0.25}})
