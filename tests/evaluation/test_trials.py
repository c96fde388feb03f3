"""Trials: what is trained, judged, remembered and computed again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.evaluation.builders import MemoryStore, small_config, small_plays, steady_attention
from uae_model.core.errors import InputError
from uae_model.evaluation.attention import ChampionBeside
from uae_model.evaluation.grid import run_grid, trials_of
from uae_model.evaluation.plays import TRAIN
from uae_model.evaluation.trials import Trial, TrialRunner

CONFIG = small_config()
PLAYS = small_plays(CONFIG)


@pytest.fixture
def runner() -> TrialRunner:
    return TrialRunner(PLAYS, steady_attention(PLAYS), CONFIG)


def test_active_plays_always_weigh_one(runner: TrialRunner) -> None:
    passive = {"none": 1.0, "active_only": 0.0, "auto": 0.25, "uae": 1 - 1.25**-15, "constant:0.1": 0.1}
    for weighting, expected in passive.items():
        weight_N = runner.weights(weighting, seed=1)
        assert (weight_N[PLAYS.active_N] == 1).all()
        assert weight_N[~PLAYS.active_N] == pytest.approx(expected)


def test_the_constant_has_the_mean_of_auto_on_the_training_plays() -> None:
    attention = steady_attention(PLAYS)
    attention.attention_N = np.linspace(0, 1, len(PLAYS))
    runner = TrialRunner(PLAYS, attention, CONFIG)
    passive_N = PLAYS.passive_in(TRAIN)
    constant = runner.weights("constant", seed=1)[~PLAYS.active_N]
    assert constant == pytest.approx(attention.attention_N[passive_N].mean())


def test_the_champions_attention_is_known_and_the_constant_has_its_mean() -> None:
    config = small_config('evaluation.weightings=["none", "constant", "champion"]')
    estimators = steady_attention(PLAYS)
    champion_N = np.linspace(0, 1, len(PLAYS))
    runner = TrialRunner(PLAYS, ChampionBeside(champion_N, estimators), config, champion="3 d")
    passive_N = ~PLAYS.active_N
    assert runner.weights("champion", seed=1)[passive_N] == pytest.approx(champion_N[passive_N])
    assert runner.weights("champion:power:5", seed=1)[passive_N] == pytest.approx(
        1 - (1 + champion_N[passive_N]) ** -5
    )
    mean = champion_N[PLAYS.passive_in(TRAIN)].mean()
    assert runner.weights("constant", seed=1)[passive_N] == pytest.approx(mean)
    assert estimators.asked == []
    assert runner.weights("auto", seed=2)[passive_N] == pytest.approx(0.25)
    assert estimators.asked == [("auto", 2)]


def test_the_key_of_a_champions_trial_names_the_champion_and_no_training() -> None:
    def key(weighting: str, champion: str, *overrides: str) -> str:
        config = small_config('evaluation.weightings=["constant", "champion"]', *overrides)
        runner = TrialRunner(PLAYS, steady_attention(PLAYS), config, champion=champion)
        return runner.key(Trial("FM", weighting, 1))

    for weighting in ("champion", "constant"):
        assert key(weighting, "3 d") != key(weighting, "4 e")
        assert key(weighting, "3 d") == key(weighting, "3 d", "training.epochs=3")
        assert key(weighting, "3 d") != key(weighting, "3 d", "weights.function=power")
    assert key("none", "3 d") == key("none", "4 e")


def test_true_attention_is_the_simulations(runner: TrialRunner) -> None:
    weight_N = runner.weights("truth", seed=1)
    assert PLAYS.attended_N is not None
    assert np.array_equal(weight_N > 0, PLAYS.attended_N > 0)
    unknown = TrialRunner(small_plays(CONFIG, truth=False), steady_attention(PLAYS), CONFIG)
    with pytest.raises(InputError, match="leave truth out"):
        unknown.weights("truth", seed=1)


def test_the_same_trial_gives_the_same_figures(runner: TrialRunner) -> None:
    first, second = (runner.run(Trial("DCN", "auto", 3)) for _ in range(2))
    np.testing.assert_equal({**first.metrics, "seconds": 0}, {**second.metrics, "seconds": 0})  # NaN is NaN
    assert first.history == second.history
    assert len(first.history) == 2
    other = runner.run(Trial("DCN", "auto", 4))
    assert other.metrics["true_relevance.auc"] != first.metrics["true_relevance.auc"]


def test_every_setting_is_judged_where_it_can_be(runner: TrialRunner) -> None:
    metrics = runner.run(Trial("FM", "none", 1)).metrics
    settings = {"true_relevance", "active_plays", "observed_labels"}
    assert {name.split(".")[0] for name in metrics if "." in name} == {*settings, "user_parts"}
    assert {name.split(".")[1] for name in metrics if name.startswith("user_parts.")} == settings
    plays = small_plays(CONFIG, truth=False)
    without = TrialRunner(plays, steady_attention(plays), CONFIG).run(Trial("FM", "none", 1)).metrics
    assert not any("true_relevance" in name for name in without)
    assert {"active_plays.auc", "observed_labels.auc"} < without.keys()


@pytest.mark.slow
def test_a_second_call_computes_only_what_is_missing(runner: TrialRunner) -> None:
    store = MemoryStore()
    trials = trials_of(CONFIG.evaluation)
    assert len(trials) == 2 * 4 * 2
    first = run_grid(runner, trials[:5], store)
    assert len(store.results) == 5
    saved = []
    store.save = lambda key, result: saved.append(result.trial)  # type: ignore[method-assign]
    second = run_grid(runner, trials[:7], store)
    assert saved == trials[5:7]
    assert [result.metrics for result in second[:5]] == [result.metrics for result in first]


def test_an_interrupted_call_keeps_what_it_finished(
    runner: TrialRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, trials = MemoryStore(), trials_of(CONFIG.evaluation)[:3]
    run = runner.run

    def interrupted(trial: Trial) -> object:
        if trial == trials[2]:
            raise KeyboardInterrupt
        return run(trial)

    monkeypatch.setattr(runner, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_grid(runner, trials, store)
    assert len(store.results) == 2


def test_a_trials_key_names_all_that_it_depends_on_and_nothing_else() -> None:
    def key(trial: Trial, *overrides: str, seed: int = 0) -> str:
        config = small_config(*overrides)
        plays = dataclasses.replace(PLAYS, identity=f"{seed}")
        return TrialRunner(plays, steady_attention(PLAYS), config).key(trial)

    learned, plain = Trial("FM", "uae", 1), Trial("FM", "none", 1)
    assert key(learned) == key(learned, "evaluation.seeds=[1]", 'evaluation.weightings=["none"]')
    assert key(learned) != key(plain)
    assert key(learned) != key(learned, "training.epochs=3")
    assert key(plain) == key(plain, "training.epochs=3")  # no estimator is behind it
    assert key(plain) != key(plain, "evaluation.epochs=3")
    assert key(plain) != key(plain, seed=1)
    constant = Trial("FM", "constant", 1)
    assert key(constant) != key(constant, "training.epochs=3")  # its mean is that of auto


def test_curves_are_watched_epoch_by_epoch(runner: TrialRunner) -> None:
    weight_N = runner.weights("none", 1)
    _, done = runner.train("FM", weight_N, 1, lambda model: {"auc": runner.auc_of(model, TRAIN)})
    assert len(done.history) == CONFIG.evaluation.epochs
    assert all(0 <= epoch["auc"] <= 1 for epoch in done.history)
