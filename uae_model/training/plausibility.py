"""Signs that a pair's attention is wrong, which no likelihood shows. Needs no truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from uae_model.models.batch import SessionBatch
from uae_model.models.networks import previous
from uae_model.models.pair import NetworkPair
from uae_model.models.process_group import ProcessGroup
from uae_model.training.comparison import CLEARLY
from uae_model.training.evaluate import COLLAPSED

BINS, RANK_BINS = 1_000, 250
CONTRADICTED = 0.5
"""AUC of feedback evidence below which attention runs against it."""

DISAGREEMENT = 0.5
"""Rank correlation below which the two best candidates give different weights."""


def doubts(metrics: Mapping[str, float]) -> list[str]:
    """Return a sentence for each sign that the chosen pair is wrong, by the metrics of its training."""
    messages = []
    for name in ("attention", "propensity"):
        mean = metrics[f"validation_mean_{name}"]
        if mean > COLLAPSED:
            messages.append(
                f"mean {name} is {mean:.3f}: the estimator has collapsed towards {name} = 1 "
                "and the other network carries P(active) alone"
            )
    evidence = metrics.get("attention_evidence", 1.0)
    if evidence + CLEARLY * metrics.get("attention_evidence_error", 0.0) < CONTRADICTED:
        messages.append(
            "attention runs against the feedback: plays beside an active one get less of it "
            f"(AUC {evidence:.3f})"
        )
    agreement = metrics.get("runner_up_agreement", 1.0)
    if agreement < DISAGREEMENT:
        messages.append(
            "the two best candidates give different weights: their rank correlation over passive plays is "
            f"{agreement:.2f}"
        )
    roles = metrics.get("roles_doubt", 0.0)
    if roles > CLEARLY:
        messages.append(
            f"the declared roles of the features look wrong by {roles:.1f} standard errors: without them the "
            "same chain explains the held-out feedback better"
        )
    return messages


def evidence_auc(
    pair: NetworkPair, batches: Iterable[SessionBatch], group: ProcessGroup
) -> tuple[float, float]:
    """Return how well a play's attention tells whether a neighbouring play is active, as a ROC-AUC.

    Of passive plays, with the attention that is predicted from features alone (earlier feedback aside for
    chains): a listener who acts on the play before or after was there. Attention that is right lies above
    0.5, attention that is anti-correlated with the evidence below.

    Returns:
        The AUC and its standard error around 0.5, with a session as one draw; NaN where one class is missing.
    """
    counts = torch.zeros(2, BINS, dtype=torch.float64, device=group.device)
    sessions = torch.zeros(2, dtype=torch.float64, device=group.device)
    for batch in batches:
        moved = batch.to(group.device)
        attention_BT = _of_features(pair, moved)
        feedback_BT = torch.where(moved.mask_BT, moved.feedback_BT, 0.0)
        beside_BT = (previous(feedback_BT) + previous(feedback_BT.flip(1)).flip(1)) > 0
        passive_BT = moved.mask_BT & (feedback_BT == 0)
        for number, wanted_BT in enumerate((passive_BT & ~beside_BT, passive_BT & beside_BT)):
            counts[number] += _histogram(attention_BT[wanted_BT])
            sessions[number] += wanted_BT.any(dim=1).sum()
    negatives, positives = group.sum(counts)
    error = (1 / group.sum(sessions)).sum().div(12).sqrt()
    pairs = positives.sum() * negatives.sum()
    below = negatives.cumsum(0) - negatives
    auc = (positives * (below + negatives / 2)).sum() / pairs  # 0 / 0 is NaN
    return float(auc), float(error)


def rank_correlation(
    one: NetworkPair, other: NetworkPair, batches: Iterable[SessionBatch], group: ProcessGroup
) -> float:
    """Return Spearman's correlation of two pairs' own attention over passive plays, in 250 bins.

    NaN where one of them gives every play the same attention.
    """
    size = RANK_BINS
    counts = torch.zeros(size, size, dtype=torch.float64, device=group.device)
    for batch in batches:
        moved = batch.to(group.device)
        passive_BT = moved.mask_BT & (moved.feedback_BT == 0)
        bins = []
        for pair in (one, other):
            attention_BT = pair.predict(moved).attention[pair.traits.own_attention]
            bins.append(_bins(attention_BT[passive_BT], size))
        counts += torch.bincount(bins[0] * size + bins[1], minlength=size * size).view(size, size)
    joint = group.sum(counts)
    first, second = joint.sum(dim=1), joint.sum(dim=0)
    ranks, other_ranks = (margin.cumsum(0) - margin / 2 for margin in (first, second))
    plays = joint.sum()
    centred, other_centred = ranks - plays / 2, other_ranks - plays / 2
    covariance = (joint * centred[:, None] * other_centred[None, :]).sum()
    spread = (first * centred**2).sum() * (second * other_centred**2).sum()
    return float(covariance / spread.sqrt())


def _of_features(pair: NetworkPair, batch: SessionBatch) -> Tensor:
    """Return s_t, which knows no feedback, of shape (B, T)."""
    with torch.inference_mode():
        logits_BT, _ = pair.logits(batch)
        return logits_BT.double().sigmoid()


def _histogram(values: Tensor) -> Tensor:
    return torch.bincount(_bins(values, BINS), minlength=BINS).double()


def _bins(values: Tensor, bins: int) -> Tensor:
    """Return bins of equal width in the fourth root, which spreads values that crowd at 0."""
    return (values.clamp(0, 1) ** 0.25 * bins).long().clamp(max=bins - 1)
