"""The gates between a candidate and the champion's place."""

from __future__ import annotations

from typing import Any

import pytest

from uae_model.config.model_sections import PromotionGates
from uae_model.registry.gates import failed_gates

GATES = PromotionGates()
FIRST = {"validation_nll": "0.30", "validation_base_rate_nll": "0.35", "training_plays": "5000"}
AGAINST_7 = {**FIRST, "champion_version": "7", "champion_validation_nll": "0.30"}


def test_a_first_candidate_that_learned_something_may_reign() -> None:
    assert failed_gates(FIRST, "", GATES) == []


def test_a_candidate_as_good_as_the_champion_may_reign() -> None:
    assert failed_gates(AGAINST_7, "7", GATES) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"validation_base_rate_nll": "0.30"},
            "its validation loss 0.3000 is not below that of the constant base rate, 0.3000",
        ),
        ({"training_plays": "999"}, "it was trained on 999 plays, promotion.min_training_plays = 1000"),
        ({"champion_version": "6"}, "it was compared with champion 6, but version 7 reigns; train it again"),
        (
            {"champion_version": ""},
            "it was compared with champion none, but version 7 reigns; train it again",
        ),
        (
            {"champion_validation_nll": "0.25"},
            "its validation loss 0.3000 exceeds champion 7's 0.2500 by more than 2.0%",
        ),
    ],
)
def test_each_gate_says_what_it_found(change: dict[str, str], sentence: str) -> None:
    assert failed_gates({**AGAINST_7, **change}, "7", GATES) == [sentence]


@pytest.mark.parametrize(("loss", "passes"), [("0.306", True), ("0.3061", False)])
def test_a_loss_may_exceed_the_champions_by_the_configured_share(loss: str, passes: bool) -> None:
    assert (failed_gates({**AGAINST_7, "validation_nll": loss}, "7", GATES) == []) is passes


def test_a_champion_with_other_features_cannot_be_compared() -> None:
    tags = {name: value for name, value in AGAINST_7.items() if name != "champion_validation_nll"}
    assert failed_gates(tags, "7", GATES) == [
        "champion 7 has other features, so their losses cannot be compared"
    ]


@pytest.mark.parametrize("loss", ["nan", "inf"])
def test_a_candidate_without_a_finite_loss_never_reigns(loss: str) -> None:
    lenient = PromotionGates(beat_base_rate=False, min_training_plays=0)
    for tags in ({**FIRST, "validation_nll": loss}, {**AGAINST_7, "validation_nll": loss}):
        assert "it has no validation loss" in failed_gates(tags, tags.get("champion_version", ""), lenient)


def test_without_any_tag_every_gate_of_a_first_candidate_fails() -> None:
    assert len(failed_gates({}, "", GATES)) == 3


@pytest.mark.parametrize(
    ("opened", "tags"),
    [
        ({"beat_base_rate": False}, {"validation_nll": "0.40", "champion_validation_nll": "0.40"}),
        ({"min_training_plays": 0}, {"training_plays": "0"}),
        ({"max_nll_increase": 0.2}, {"validation_nll": "0.34"}),
    ],
)
def test_gates_can_be_opened_by_configuration(opened: dict[str, Any], tags: dict[str, str]) -> None:
    candidate = {**AGAINST_7, **tags}
    assert len(failed_gates(candidate, "7", GATES)) == 1
    assert failed_gates(candidate, "7", PromotionGates(**opened)) == []
