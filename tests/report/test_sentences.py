"""The sentences follow the facts: none says what the data contradict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.report.samples import bare, contexts, model, published, sample
from uae_model.report.contexts import inattentive_sentence, least_attentive
from uae_model.report.facts import FeedbackHistory, PositionCount, Rate, ReportFacts
from uae_model.report.sentences import (
    feedback_sentence,
    help_sentence,
    level_sentence,
    level_value,
    objections,
    positions_sentence,
    weights_sentence,
)
from uae_model.weights.choice import JudgedWeighting


def history(after_active: Rate, after_passive: Rate) -> FeedbackHistory:
    return FeedbackHistory(after_active + after_passive, after_active, after_passive, ())


@pytest.mark.parametrize(
    ("after_active", "after_passive", "said"),
    [
        (Rate(80, 44), Rate(720, 36), "is more often active after an active play than after a passive one"),
        (Rate(80, 2), Rate(720, 400), "is less often active after an active play"),
        (Rate(8, 1), Rate(20, 2), "makes no clear difference"),
        (Rate(0, 0), Rate(20, 2), "No session has a play after an active one"),
    ],
)
def test_feedback_follows_feedback_only_where_it_does(
    after_active: Rate, after_passive: Rate, said: str
) -> None:
    assert said in feedback_sentence(history(after_active, after_passive))


def test_where_plays_stand_in_their_sessions_is_counted() -> None:
    counts = [PositionCount(1, Rate(40, 4), 0.3), PositionCount(2, Rate(10, 5), 0.3)]
    counts.append(PositionCount(3, Rate(30, 3), 0.3))
    assert positions_sentence(counts) == (
        "Half of the plays stand at position 1 of their session or earlier. Of these 10.0% are active, of "
        "the later ones 20.0%."
    )
    alone = positions_sentence(counts[:1])
    assert alone == "Half of the plays stand at position 1 of their session or earlier."
    assert positions_sentence([]) == "There are no plays."


def with_formula(formula: str) -> ReportFacts:
    return replace(sample(), weight_formula=formula)


def test_a_constant_weight_does_not_grow_with_attention() -> None:
    assert "grows with its estimated attention (linear(smoothed))" in weights_sentence(
        with_formula("linear(smoothed)")
    )
    constant = weights_sentence(with_formula("constant(0.1)"))
    assert "the same weight, whatever its attention" in constant
    assert "grows" not in constant


def test_the_level_of_attention_is_said_with_its_interval() -> None:
    assert "from 22% to 48% of the plays" in level_sentence(sample())
    assert level_value(sample()) == "22% to 48%"
    anchored = with_formula("linear(smoothed), attention_mean=0.3")
    assert "its mean is set to 0.3 (weights.attention_mean). The feedback alone" in level_sentence(anchored)
    assert level_value(anchored) == "30%"
    both = with_formula("linear(smoothed), attention_mean=0.3, power(smoothed, gamma=5), attention_mean=0.3")
    assert level_value(both) == "30%"
    assert "no interval" in level_sentence(bare())
    assert level_value(bare()) == "not identified"


def test_the_interval_of_the_publication_counts_before_that_of_the_registry() -> None:
    facts = replace(sample(), published=replace(published(), mean_interval=(0.1, 0.2)))
    assert level_value(facts) == "10% to 20%"


PASSED = replace(published(), checks=("the day has plays: ok (900 rows)",))


def test_a_day_without_fault_has_no_objection() -> None:
    assert objections(replace(sample(), published=PASSED)) == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (replace(bare(), model=replace(model(), failed_gates=("it is too young",))), "it is too young"),
        (
            replace(bare(), model=replace(model(), forced="trained on 12345 plays")),
            "champion in spite of failed gates: trained on 12,345 plays",
        ),
        (
            replace(bare(), model=replace(model(), tags={"warnings": "attention collapsed"})),
            "Training doubted attention model 3: attention collapsed",
        ),
        (bare(), "published with failed checks: quarantined share"),
        (bare(), "scored again since"),
        (
            replace(
                bare(), published=replace(published(), accepted_checks=("plays",), accepted_reason="party")
            ),
            "A person accepted failed checks of this day (plays): party.",
        ),
    ],
)
def test_what_speaks_against_a_day_is_said(facts: ReportFacts, said: str) -> None:
    assert any(said in sentence for sentence in objections(facts))


def test_weights_help_only_where_the_gain_is_clear() -> None:
    chosen = model().weight_choice
    assert chosen is not None
    assert "It is shown that weights scaled:0.2 help" in help_sentence(model())
    assert "+3.00 ± 1.00 points" in help_sentence(model())
    candidates = (JudgedWeighting("scaled:0.2", 0.03, 0.02, 0.0, 0.0), *chosen.candidates[1:])
    unclear = replace(model(), weight_choice=replace(chosen, candidates=candidates))
    assert "It is not shown that weights scaled:0.2 help" in help_sentence(unclear)
    equal = replace(model(), weight_choice=replace(chosen, name="none"))
    assert "No weighting served a base model better than equal weights" in help_sentence(equal)
    assert help_sentence(None) == help_sentence(replace(model(), weight_choice=None)) == ""


def test_rare_contexts_are_not_called_inattentive() -> None:
    assert [(one.feature, one.value) for one in least_attentive(contexts())] == [
        ("device", "car <1>"),
        ("device", "phone"),
        ("hour_of_day", "0"),
    ]
    rare = replace(contexts(), plays=100_000)
    assert least_attentive(rare) == []
    assert inattentive_sentence(rare).startswith("No context with enough plays")
