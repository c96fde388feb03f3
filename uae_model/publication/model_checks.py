"""The model behind a day's weights: how old it is, and whether its own figures contradict it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from uae_model.config import Config
from uae_model.publication.checks import Check


@dataclass(frozen=True)
class ScoringModel:
    """The model that scored a day, as far as it is known: None where a figure is not.

    Attributes:
        last_day: the last day that it was trained or validated on.
        mean_attention: its mean over the plays of its validation days.
        evidence: ROC-AUC with which attention tells passive plays beside an active one, and two of its
            standard errors: below 0.5 attention runs against the feedback.
        agreement: rank correlation with the weights of the second best candidate.
    """

    last_day: date | None = None
    mean_attention: float | None = None
    evidence: float | None = None
    agreement: float | None = None

    @classmethod
    def of_counts(cls, counts: Mapping[str, Any]) -> ScoringModel:
        """Return the facts that scoring recorded with a day's weights."""
        facts = dict(counts.get("model_facts") or {})
        if facts.get("last_day"):
            facts["last_day"] = date.fromisoformat(facts["last_day"])
        return cls(**facts)

    def recorded(self) -> dict[str, Any]:
        """Return what ``of_counts`` reads under ``model_facts``."""
        return {**asdict(self), "last_day": self.last_day.isoformat() if self.last_day else None}


def check_model(facts: ScoringModel, day: date, config: Config) -> list[Check]:
    """Return the checks of what is known of a model; evidence and agreement have the limits of promotion."""
    limits, gates = config.publication, config.promotion
    checks = []
    if facts.last_day is not None:
        age = (day - facts.last_day).days
        checks.append(
            Check(
                f"the model is at most {limits.max_model_age_days} days old",
                age <= limits.max_model_age_days,
                f"{age} day{'' if age == 1 else 's'}",
                "model_age",
                age,
                limits.max_model_age_days,
            )
        )
    if facts.mean_attention is not None:
        most = limits.max_model_attention
        checks.append(
            Check(
                f"the model's mean attention at most {most:g}",
                facts.mean_attention <= most,
                f"{facts.mean_attention:.3f}",
                "model_collapsed",
                facts.mean_attention,
                most,
            )
        )
    lower_limits = (
        ("attention's agreement with feedback (AUC)", facts.evidence, gates.min_evidence_auc, "evidence"),
        ("agreement of the two best", facts.agreement, gates.min_runner_up_agreement, "agreement"),
    )
    for what, value, least, code in lower_limits:
        if value is not None:
            name = f"{what} at least {least:g}"
            checks.append(Check(name, value >= least, f"{value:.3f}", f"model_{code}", value, least))
    return checks
