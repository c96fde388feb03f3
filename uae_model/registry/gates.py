"""The gates between a candidate and the champion's place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from uae_model.config.model_sections import PromotionGates
from uae_model.core.metric_names import CHOSEN
from uae_model.training.comparison import CLEARLY


@dataclass(frozen=True)
class RegisteredCandidate:
    """What the gates ask of a registered pair.

    Attributes:
        loss: negative log-likelihood per play on the validation days, in nats; NaN where none is known.
        base_rate_loss: that of the constant base rate.
        training_plays: plays that it was trained on.
        compared_with: version of the champion that was judged on the same days; None where there was none.
        champion_loss: that champion's loss; None where it could not be compared.
        evidence: ROC-AUC with which attention tells plays beside active ones; None where none is known.
        evidence_error: its standard error.
        agreement: rank correlation with the runner-up's weights; None where there was none.
    """

    loss: float
    base_rate_loss: float
    training_plays: int
    compared_with: int | None
    champion_loss: float | None
    evidence: float | None = None
    evidence_error: float = 0.0
    agreement: float | None = None

    @classmethod
    def of(cls, metrics: Mapping[str, float], tags: Mapping[str, str]) -> RegisteredCandidate:
        """Return the candidate as registration recorded it.

        Args:
            metrics: of the training's run, by the code's names. A version that was registered before these
                metrics were recorded has its figures in the tags alone, with six digits.
            tags: of the attention model's version.
        """

        def figure(name: str) -> float | None:
            if CHOSEN + name in metrics:
                return metrics[CHOSEN + name]
            return float(tags[name]) if name in tags else None

        def known(name: str) -> float:
            value = figure(name)
            return math.nan if value is None else value

        compared_with = tags.get("champion_version", "")
        return cls(
            loss=known("validation_nll"),
            base_rate_loss=known("validation_base_rate_nll"),
            training_plays=int(figure("training_plays") or 0),
            compared_with=int(compared_with) if compared_with else None,
            champion_loss=figure("champion_validation_nll"),
            evidence=figure("attention_evidence"),
            evidence_error=figure("attention_evidence_error") or 0.0,
            agreement=figure("runner_up_agreement"),
        )


def failed_gates(candidate: RegisteredCandidate, champion: int | None, gates: PromotionGates) -> list[str]:
    """Return a sentence for each gate that the candidate fails; empty if it may become champion.

    Args:
        candidate: what is known of it.
        champion: version of the current champion, None if there is none.
        gates: the limits.
    """
    loss, base = candidate.loss, candidate.base_rate_loss
    failed = []
    if not math.isfinite(loss):
        failed.append("it has no validation loss")
    if gates.beat_base_rate and not loss < base:
        failed.append(
            f"its validation loss {loss:.4f} is not below that of the constant base rate, {base:.4f}"
        )
    if candidate.training_plays < gates.min_training_plays:
        failed.append(
            f"it was trained on {candidate.training_plays} plays, "
            f"promotion.min_training_plays = {gates.min_training_plays}"
        )
    failed += _plausibility(candidate, gates)
    if champion is not None:
        failed += _against_champion(candidate, champion, gates)
    return failed


def _plausibility(candidate: RegisteredCandidate, gates: PromotionGates) -> list[str]:
    failed = []
    evidence, error = candidate.evidence, candidate.evidence_error
    if evidence is not None and evidence + CLEARLY * error < gates.min_evidence_auc:
        failed.append(
            f"its attention runs against the feedback: AUC {evidence:.3f} ± {error:.3f}, "
            f"promotion.min_evidence_auc = {gates.min_evidence_auc:g}"
        )
    if candidate.agreement is not None and candidate.agreement < gates.min_runner_up_agreement:
        failed.append(
            "its weights and the second best candidate's have a rank correlation of "
            f"{candidate.agreement:.2f}, "
            f"promotion.min_runner_up_agreement = {gates.min_runner_up_agreement:g}"
        )
    return failed


def _against_champion(candidate: RegisteredCandidate, champion: int, gates: PromotionGates) -> list[str]:
    if candidate.compared_with != champion:
        other = "none" if candidate.compared_with is None else candidate.compared_with
        return [
            f"it was compared with champion {other}, but version {champion} is champion now; train it again"
        ]
    if candidate.champion_loss is None:
        return [f"champion {champion} has other features, so their losses cannot be compared"]
    if candidate.loss > candidate.champion_loss * (1 + gates.max_nll_increase):
        return [
            f"its validation loss {candidate.loss:.4f} exceeds champion {champion}'s "
            f"{candidate.champion_loss:.4f} by more than {gates.max_nll_increase:.1%}"
        ]
    return []
