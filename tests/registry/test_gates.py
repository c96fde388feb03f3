"""The gates between a candidate and the champion's place."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from uae_model.config.model_sections import PromotionGates
from uae_model.registry.gates import RegisteredCandidate, failed_gates

GATES = PromotionGates()
FIRST = RegisteredCandidate(
    loss=0.30, base_rate_loss=0.35, training_plays=5000, compared_with=None, champion_loss=None
)
AGAINST_7 = replace(FIRST, compared_with=7, champion_loss=0.30)


def test_a_first_candidate_that_learned_something_may_become_champion() -> None:
    assert failed_gates(FIRST, None, GATES) == []


def test_a_candidate_as_good_as_the_champion_may_take_its_place() -> None:
    assert failed_gates(AGAINST_7, 7, GATES) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"base_rate_loss": 0.30},
            "its validation loss 0.3000 is not below that of the constant base rate, 0.3000",
        ),
        ({"training_plays": 999}, "it was trained on 999 plays, promotion.min_training_plays = 1000"),
        (
            {"compared_with": 6},
            "it was compared with champion 6, but version 7 is champion now; train it again",
        ),
        (
            {"compared_with": None},
            "it was compared with champion none, but version 7 is champion now; train it again",
        ),
        (
            {"champion_loss": 0.25},
            "its validation loss 0.3000 exceeds champion 7's 0.2500 by more than 2.0%",
        ),
        (
            {"evidence": 0.467, "evidence_error": 0.01},
            "its attention runs against the feedback: AUC 0.467 ± 0.010, promotion.min_evidence_auc = 0.5",
        ),
        (
            {"agreement": -0.12},
            "its weights and the second best candidate's have a rank correlation of -0.12, "
            "promotion.min_runner_up_agreement = 0",
        ),
        ({"champion_loss": None}, "champion 7 has other features, so their losses cannot be compared"),
    ],
)
def test_each_gate_says_what_it_measured(change: dict[str, Any], sentence: str) -> None:
    assert failed_gates(replace(AGAINST_7, **change), 7, GATES) == [sentence]


def test_evidence_of_few_sessions_refuses_nothing() -> None:
    assert failed_gates(replace(AGAINST_7, evidence=0.459, evidence_error=0.08), 7, GATES) == []


@pytest.mark.parametrize(("loss", "passes"), [(0.306, True), (0.30600001, False), (0.3061, False)])
def test_a_loss_may_exceed_the_champions_by_the_configured_share(loss: float, passes: bool) -> None:
    assert (failed_gates(replace(AGAINST_7, loss=loss), 7, GATES) == []) is passes


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_candidate_without_a_finite_loss_never_becomes_champion(loss: float) -> None:
    lenient = PromotionGates(beat_base_rate=False, min_training_plays=0)
    for candidate in (replace(FIRST, loss=loss), replace(AGAINST_7, loss=loss)):
        assert "it has no validation loss" in failed_gates(candidate, candidate.compared_with, lenient)


@pytest.mark.parametrize(
    ("opened", "change"),
    [
        ({"beat_base_rate": False}, {"loss": 0.40, "champion_loss": 0.40}),
        ({"min_training_plays": 0}, {"training_plays": 0}),
        ({"max_nll_increase": 0.2}, {"loss": 0.34}),
    ],
)
def test_gates_can_be_opened_by_configuration(opened: dict[str, Any], change: dict[str, Any]) -> None:
    candidate = replace(AGAINST_7, **change)
    assert len(failed_gates(candidate, 7, GATES)) == 1
    assert failed_gates(candidate, 7, PromotionGates(**opened)) == []


TAGS = {
    **{"validation_nll": "0.3", "validation_base_rate_nll": "0.35", "training_plays": "5000"},
    **{"champion_version": "7", "champion_validation_nll": "0.3"},
}
METRICS = {
    "validation_nll": 0.9,  # of the last epoch, which need not be the chosen one
    "chosen_validation_nll": 0.30000004,
    "chosen_validation_base_rate_nll": 0.35000004,
    "chosen_champion_validation_nll": 0.29999996,
    "chosen_training_plays": 5001.0,
}


class TestWhatWasRecorded:
    def test_metrics_count_with_all_their_digits(self) -> None:
        assert RegisteredCandidate.of(METRICS, TAGS) == RegisteredCandidate(
            loss=0.30000004,
            base_rate_loss=0.35000004,
            training_plays=5001,
            compared_with=7,
            champion_loss=0.29999996,
        )

    def test_a_version_of_before_has_its_figures_in_tags(self) -> None:
        assert RegisteredCandidate.of({"validation_nll": 0.9}, TAGS) == AGAINST_7

    def test_without_any_record_every_gate_of_a_first_candidate_fails(self) -> None:
        nothing = RegisteredCandidate.of({}, {})
        assert nothing.compared_with is nothing.champion_loss is None
        assert len(failed_gates(nothing, None, GATES)) == 3

    def test_a_loss_that_mlflow_could_not_hold_is_none(self) -> None:
        metrics = {name: value for name, value in METRICS.items() if name != "chosen_validation_nll"}
        candidate = RegisteredCandidate.of(metrics, {**TAGS, "validation_nll": "nan"})
        assert "it has no validation loss" in failed_gates(candidate, 7, GATES)
