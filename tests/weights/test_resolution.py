"""Weight functions, known means and wanted means; the same numbers in numpy and in Spark."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config.weight_sections import WeightSettings
from uae_model.core.errors import ModelError
from uae_model.models.pair import ATTENTION_KINDS, Traits
from uae_model.weights.columns import passive_weight, shifted_attention
from uae_model.weights.functions import WeightFunction, passive_weights, shifted
from uae_model.weights.resolution import logit_histogram, resolve_weight_function

ATTENTION = np.random.default_rng(3).beta(0.6, 2.0, size=20_000)
"""Attention of the passive plays of the validation days; a tenth of all plays is active."""

CALIBRATION = {
    "passive_plays": 20_000,
    "active_plays": 2_222,
    "histograms": {kind: logit_histogram(ATTENTION) for kind in ATTENTION_KINDS},
}
CHAIN = Traits("chain", 0.7, "smoothed")


def resolved(**settings: Any) -> WeightFunction:
    return resolve_weight_function(WeightSettings(**settings), CHAIN, CALIBRATION)


def test_the_default_is_the_estimators_own_attention_as_it_is() -> None:
    function = resolved()
    assert (function.kind, function.name, function.shift, function.factor) == ("smoothed", "linear", 0.0, 1.0)
    np.testing.assert_array_equal(passive_weights(ATTENTION, function), ATTENTION)
    assert resolved(attention="filtered").kind == "filtered"


@pytest.mark.parametrize("mean", [0.15, 0.36, 0.6, 0.9])
def test_a_known_mean_is_met_over_all_plays(mean: float) -> None:
    moved = shifted(ATTENTION, resolved(attention_mean=mean).shift)
    reached = (moved.sum() + CALIBRATION["active_plays"]) / 22_222
    assert reached == pytest.approx(mean, abs=1e-4)
    assert (np.argsort(moved) == np.argsort(ATTENTION)).all()  # a shift keeps the order


def test_a_known_mean_below_the_active_share_is_refused() -> None:
    with pytest.raises(ModelError, match=r"weights.attention_mean = 0.05: 0.1000 of the plays are active"):
        resolved(attention_mean=0.05)


@pytest.mark.parametrize("mean", [0.02, 0.1, 0.5, 0.9])
def test_scaled_weights_have_the_wanted_mean(mean: float) -> None:
    weights = passive_weights(ATTENTION, resolved(function="scaled", mean=mean))
    assert weights.mean() == pytest.approx(mean, abs=1e-4)
    assert weights.max() <= 1


def test_a_constant_is_the_constant() -> None:
    assert set(passive_weights(ATTENTION, resolved(function="constant", mean=0.3)).tolist()) == {0.3}


def test_certain_attention_stays_certain() -> None:
    assert shifted(np.array([0.0, 1.0]), 3.0).tolist() == [0.0, 1.0]


def test_a_model_without_calibration_serves_only_functions_that_need_none() -> None:
    assert resolve_weight_function(WeightSettings(), CHAIN, {}).name == "linear"
    with pytest.raises(ModelError, match="carries no calibration"):
        resolve_weight_function(WeightSettings(function="scaled"), CHAIN, {})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "linear(smoothed)"),
        ({"function": "power", "gamma": 5}, "power(smoothed, gamma=5)"),
        ({"function": "scaled", "mean": 0.2}, "scaled(smoothed, mean=0.2)"),
        ({"function": "constant"}, "constant(0.1)"),
        ({"attention_mean": 0.4}, "linear(smoothed), attention_mean=0.4"),
    ],
)
def test_the_choice_in_words(settings: dict[str, Any], text: str) -> None:
    assert resolved(**settings).describe() == text


def test_spark_gives_the_same_numbers(spark: SparkSession) -> None:
    choices = [
        resolved(),
        resolved(function="power", attention_mean=0.5),
        resolved(function="scaled", mean=0.4, attention_mean=0.2),
        resolved(function="constant"),
    ]
    values = [0.0, 1e-9, 0.2, 0.5, 0.999, 1.0]
    frame = spark.createDataFrame([(value,) for value in values], "attention double")
    columns = []
    for number, choice in enumerate(choices):
        moved = shifted_attention(F.col("attention"), choice)
        columns += [moved.alias(f"a{number}"), passive_weight(moved, choice).alias(f"w{number}")]
    rows = frame.orderBy("attention").select(*columns).collect()
    for number, choice in enumerate(choices):
        shifted_N = shifted(np.array(values), choice.shift)
        np.testing.assert_allclose([row[f"a{number}"] for row in rows], shifted_N, rtol=1e-9)
        expected = passive_weights(shifted_N, choice)
        np.testing.assert_allclose([row[f"w{number}"] for row in rows], expected, rtol=1e-9, atol=1e-15)
