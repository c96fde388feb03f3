"""A recorded choice: what it says of the function, how it survives the registry, when it is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.weights.test_resolution import CALIBRATION, CHAIN
from uae_model.config.weight_sections import WeightSettings
from uae_model.core.errors import ModelError
from uae_model.weights.choice import JudgedWeighting, WeightChoice
from uae_model.weights.functions import WeightFunction
from uae_model.weights.resolution import resolve_weight_function

AUTO = WeightSettings(function="auto")
CHOICE = WeightChoice(
    name="scaled:0.2",
    runner_up="linear",
    candidates=(
        JudgedWeighting("scaled:0.2", 0.03, 0.005, 0.0, 0.0),
        JudgedWeighting("linear", 0.02, 0.004, -0.01, 0.003),
        JudgedWeighting("none", 0.0, 0.0, -0.03, 0.005),
    ),
    metric="AUC by the labels of active plays",
    judged_plays=700,
    attention="smoothed",
    attention_mean=None,
    day="2026-01-12",
)


def resolved(name: str) -> WeightFunction:
    return resolve_weight_function(AUTO, CHAIN, CALIBRATION, replace(CHOICE, name=name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("linear", "linear(smoothed)"),
        ("scaled:0.2", "scaled(smoothed, mean=0.2)"),
        ("power:5", "power(smoothed, gamma=5)"),
        ("constant:0.4", "constant(0.4)"),
        ("none", "constant(1)"),
        ("active_only", "constant(0)"),
    ],
)
def test_scoring_takes_the_chosen_function(name: str, text: str) -> None:
    assert resolved(name).describe() == text


def test_the_chosen_function_is_the_one_that_could_be_configured() -> None:
    configured = WeightSettings(function="scaled", mean=0.2)
    assert resolved("scaled:0.2") == resolve_weight_function(configured, CHAIN, CALIBRATION)


def test_a_configured_function_heeds_no_choice() -> None:
    assert resolve_weight_function(WeightSettings(), CHAIN, CALIBRATION, CHOICE).name == "linear"


def test_a_model_without_a_choice_is_sent_to_tune() -> None:
    with pytest.raises(ModelError, match=r'function = "auto": no weight function was chosen .* run uae tune'):
        resolve_weight_function(AUTO, CHAIN, CALIBRATION)


def test_a_choice_for_other_attention_is_refused() -> None:
    for settings, told in (
        ({"attention": "filtered"}, "attention smoothed, and the settings now say filtered; run uae tune"),
        ({"attention_mean": 0.4}, "settings now say smoothed of mean 0.4; run uae tune"),
    ):
        changed = AUTO.model_copy(update=settings)
        with pytest.raises(ModelError, match=told):
            resolve_weight_function(changed, CHAIN, CALIBRATION, CHOICE)


def test_it_survives_being_written() -> None:
    assert WeightChoice.from_json(CHOICE.to_json()) == CHOICE
    content = json.loads(CHOICE.to_json())
    assert (content["function"], content["number"]) == ("scaled", 0.2)
    assert content["gain_interval"] == pytest.approx([0.02, 0.04])
    assert content["runner_up"] == "linear"
    assert CHOICE.judged("linear").difference == -0.01
