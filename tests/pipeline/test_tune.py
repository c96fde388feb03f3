"""The choice of a weight function from end to end, on plays in memory and with a registry that remembers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.builders import DAY
from tests.evaluation.test_weight_choice import world
from tests.pipeline.building import MemoryOnly, accepted
from tests.training_builders import pair_for
from uae_model.config import Config, FeatureSet
from uae_model.core.errors import InputError, ModelError
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION, EvaluationPlays
from uae_model.pipeline.tune import tune
from uae_model.registry.client import Champion
from uae_model.weights.choice import WeightChoice
from uae_model.weights.resolution import resolve_weight_function

SETTINGS = (
    *("training.window_days=2", "weights.function=auto"),
    *('weight_choice.candidates=["none", "linear", "constant:0.2"]', "weight_choice.fits=2"),
)
DAYS = [DAY + timedelta(days=number) for number in range(3)]


class FakeRegistry:
    """Versions 1 to 3 of one pair, of which one may be champion."""

    def __init__(self, config: Config, champion: int | None = None) -> None:
        self.config = config
        self.champion = champion
        self.choices: dict[int, WeightChoice] = {}

    def champion_versions(self) -> tuple[int, int] | None:
        return (self.champion, self.champion + 10) if self.champion else None

    def version(self, number: int | None = None) -> Any:
        number = number or 3
        return SimpleNamespace(version=str(number), tags={"propensity_version": str(number + 10)})

    def load(self, attention: int, propensity: int) -> Champion:
        assert propensity == attention + 10
        return Champion(attention, propensity, pair_for(self.config).to_state(), self.config.features)

    def record_weight_choice(self, version: int, choice: WeightChoice) -> None:
        self.choices[version] = choice


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[int, list[date]], int]]:
    """Plays in memory stand in for those of the tables; return which days and how many were asked for."""
    calls: list[tuple[dict[int, list[date]], int]] = []

    def plays(store: Any, splits: dict[int, list[date]], max_plays: int) -> EvaluationPlays:
        calls.append((splits, max_plays))
        return world(active_likes=0.3, active_dislikes=0.3, attended_likes=0.5, plays=1_600)

    monkeypatch.setattr("uae_model.pipeline.evaluation_plays.evaluation_plays", plays)
    return calls


def store_of(config: Config, days: list[date]) -> Any:
    return SimpleNamespace(config=config, states=MemoryOnly(*(accepted("plays", day) for day in days)))


def test_the_champions_choice_is_made_and_recorded(
    make_config: Callable[..., Config], asked: list[Any]
) -> None:
    config = make_config(*SETTINGS)
    registry: Any = FakeRegistry(config, champion=2)
    told = tune(store_of(config, DAYS), registry, DAYS[2])
    assert asked == [({TRAIN: DAYS[:1], VALIDATION: [DAYS[1]], TEST: [DAYS[2]]}, 100_000)]
    choice = registry.choices[2]
    assert list(registry.choices) == [2]
    assert {candidate.name for candidate in choice.candidates} == {"none", "linear", "constant:0.2"}
    assert (told["attention_model_version"], told["weighting"]) == (2, choice.name)
    assert told["gain"] == pytest.approx(choice.chosen.gain, abs=1e-5)
    assert choice.day == "2026-01-07"
    assert choice.judged_plays > 50
    # What was recorded is what scoring takes.
    pair = pair_for(config)
    function = resolve_weight_function(config.weights, pair.traits, pair.calibration, choice)
    assert function.name == choice.function


@pytest.mark.parametrize(("champion", "version", "chosen_for"), [(None, None, 3), (2, 1, 1), (2, None, 2)])
def test_the_version_is_the_one_named_or_the_champion_or_the_newest(
    make_config: Callable[..., Config],
    monkeypatch: pytest.MonkeyPatch,
    champion: int | None,
    version: int | None,
    chosen_for: int,
) -> None:
    config = make_config(*SETTINGS)
    figures = SimpleNamespace(name="linear", gain=0.0, gain_error=0.0, difference=0.0, difference_error=0.0)
    made = SimpleNamespace(
        name="linear",
        metric="AUC",
        chosen=figures,
        runner_up="none",
        judged=lambda name: figures,
        judged_plays=9,
    )
    monkeypatch.setattr("uae_model.pipeline.tune.choose_for", lambda store, registry, version, days: made)
    registry: Any = FakeRegistry(config, champion)
    told = tune(store_of(config, DAYS), registry, DAYS[2], version)
    assert told["attention_model_version"] == chosen_for


def test_what_is_missing_is_named(make_config: Callable[..., Config], asked: list[Any]) -> None:
    config = make_config(*SETTINGS)
    registry: Any = FakeRegistry(config, champion=2)
    with pytest.raises(InputError, match="missing: 2026-01-06; run uae backfill"):
        tune(store_of(config, [DAYS[0], DAYS[2]]), registry, DAYS[2])
    registry.config = config.with_features(FeatureSet(config.features[:-1]))
    with pytest.raises(ModelError, match="trained on other features"):
        tune(store_of(config, DAYS), registry, DAYS[2])
    assert asked == []


def test_the_known_mean_shifts_what_is_weighed(make_config: Callable[..., Config]) -> None:
    from uae_model.evaluation.attention import pair_attention
    from uae_model.evaluation.weight_choice import weighed_attention
    from uae_model.models.pair import ATTENTION_KINDS
    from uae_model.weights.resolution import logit_histogram

    config = make_config(*SETTINGS, "weights.attention_mean=0.6")
    plays = world(active_likes=0.1, active_dislikes=0.1, attended_likes=0.5, plays=400)
    pair = pair_for(config)
    plain_N = pair_attention(pair, plays, 1_000)
    passive_N = ~plays.active_N
    pair.calibration = {
        "active_plays": int(plays.active_N.sum()),
        "passive_plays": int(passive_N.sum()),
        "histograms": {kind: logit_histogram(plain_N[passive_N]) for kind in ATTENTION_KINDS},
    }
    kind, weighed_N = weighed_attention(plays, pair, config)
    assert kind == pair.traits.own_attention
    assert np.where(plays.active_N, 1.0, weighed_N).mean() == pytest.approx(0.6, abs=1e-3)
