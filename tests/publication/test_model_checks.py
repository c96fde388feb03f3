"""What is known of the model behind a day's weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from uae_model.config import Config
from uae_model.pipeline.steps.scores import model_facts
from uae_model.publication.model_checks import ScoringModel, check_model

DAY = date(2026, 3, 2)
GOOD = {"last_day": DAY - timedelta(days=1), "mean_attention": 0.3, "evidence": 0.7, "agreement": 0.9}


def failing(config: Config, **changes: object) -> list[str]:
    checks = check_model(ScoringModel(**{**GOOD, **changes}), DAY, config)  # type: ignore[arg-type]
    return [check.code for check in checks if not check.passed]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"last_day": DAY - timedelta(days=90)}, None),
        ({"last_day": DAY - timedelta(days=91)}, "model_age"),
        ({"last_day": DAY + timedelta(days=300)}, None),  # an old day scored by a new model
        ({"mean_attention": 0.96}, "model_collapsed"),
        ({"evidence": 0.49}, "model_evidence"),
        ({"agreement": -0.01}, "model_agreement"),
        (dict.fromkeys(GOOD), None),
    ],
)
def test_a_bad_figure_fails_its_check(config: Config, changes: dict[str, object], code: str | None) -> None:
    assert failing(config, **changes) == ([code] if code else [])


def test_limits_come_from_the_settings(make_config: Callable[..., Config]) -> None:
    config = make_config("publication.max_model_age_days=30", "promotion.min_evidence_auc=0.4")
    assert failing(config, last_day=DAY - timedelta(days=31), evidence=0.45) == ["model_age"]


def test_facts_come_from_the_tags_of_registration_and_travel_with_the_weights() -> None:
    tags = {
        "validation_days": "2026-02-25..2026-02-26",
        "validation_mean_attention": "0.312",
        "attention_evidence": "0.48",
        "attention_evidence_error": "0.02",
        "runner_up_agreement": "nan",
    }
    facts = model_facts(tags)
    assert facts == ScoringModel(date(2026, 2, 26), 0.312, 0.52, None)
    assert ScoringModel.of_counts(json.loads(json.dumps({"model_facts": facts.recorded()}))) == facts
    assert model_facts({}) == ScoringModel.of_counts({}) == ScoringModel()
