"""From a weighting's name to the weight of a passive play."""

from __future__ import annotations

import numpy as np
import pytest

from uae_model.config import load_config
from uae_model.config.estimators import PAPER_NAMES
from uae_model.config.weight_sections import WeightSettings
from uae_model.core.errors import ConfigError, InputError
from uae_model.evaluation.weight_rules import parse_rule, weigh

ATTENTION = np.array([0.0, 0.1, 0.4, 0.8])
EVERY = np.ones(4, bool)


def weights_of(name: str, **settings: object) -> list[float]:
    rule = parse_rule(name, WeightSettings.model_validate(settings))
    weights: list[float] = weigh(rule, ATTENTION, EVERY).tolist()
    return weights


def test_the_papers_estimators_go_through_equation_19() -> None:
    expected = [0.0, 1 - 1.1**-15, 1 - 1.4**-15, 1 - 1.8**-15]
    for name in PAPER_NAMES:
        assert weights_of(name) == pytest.approx(expected)
    assert weights_of("uae:power:5")[1] == pytest.approx(1 - 1.1**-5)
    assert weights_of("uae", gamma=5)[1] == pytest.approx(1 - 1.1**-5)


def test_auto_takes_the_configured_function() -> None:
    assert weights_of("auto") == pytest.approx(ATTENTION)
    assert weights_of("auto", function="power", gamma=5)[2] == pytest.approx(1 - 1.4**-5)
    assert weights_of("auto", function="constant", mean=0.3) == pytest.approx([0.3] * 4)
    assert weights_of("auto", function="auto") == pytest.approx(ATTENTION)  # linear: there is no choice
    assert weights_of("truth", function="power") == pytest.approx(ATTENTION)


def test_scaled_weights_meet_their_mean_and_stay_below_one() -> None:
    weights = weights_of("auto:scaled:0.5")
    assert np.mean(weights) == pytest.approx(0.5)
    assert max(weights) == 1.0  # cut at 1, and the rest made up for it
    assert weights[2] / weights[1] == pytest.approx(4)
    with pytest.raises(InputError, match="no more than that share"):
        weights_of("auto:scaled:0.8")


def test_a_constant_needs_auto_only_where_its_mean_is_not_given() -> None:
    settings = WeightSettings()
    assert parse_rule("constant", settings).estimator() == "auto"
    assert parse_rule("constant", settings).estimator("champion") == "champion"
    assert parse_rule("constant:0.1", settings).estimator() is None
    assert weights_of("constant:0.1") == pytest.approx([0.1] * 4)
    assert parse_rule("truth", settings).estimator() is None
    assert parse_rule("uae:linear", settings).estimator() == "uae"
    assert parse_rule("champion:linear", settings).estimator() == "champion"


def test_titles_say_the_function() -> None:
    settings = WeightSettings()
    assert parse_rule("none", settings).title == "base"
    assert parse_rule("uae:linear", settings).title == "UAE, linear"
    assert parse_rule("auto:scaled:0.1", settings).title == "auto, scaled 0.1"
    assert parse_rule("champion", settings).title == "the champion"


@pytest.mark.parametrize(
    "name", ["", "uea", "none:linear", "constant:1.5", "auto:power", "uae:cubic:3", "auto:"]
)
def test_an_unknown_weighting_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.weightings\.0 = .*allowed: none, active_only"):
        load_config(None, overrides=[f'evaluation.weightings=["{name}"]'])
