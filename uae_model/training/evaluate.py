"""Held-out quality of an attention/propensity pair, without any truth."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from uae_model.batches import SessionBatch
from uae_model.pair import NetworkPair
from uae_model.ranks import Ranks

SMALLEST = 1e-7


def evaluate(model: NetworkPair, batches: Iterable[SessionBatch], ranks: Ranks) -> dict[str, float]:
    """Return the mean metrics over all real plays of all ranks.

    ``nll`` is the negative log-likelihood per play of the observed feedback under e ~ Bernoulli(alpha p)
    (Eq. 9), in nats: the one quality figure that needs no truth. ``base_rate_nll`` is that of the constant
    P(e = 1). ``sessions`` and ``plays`` count what was read, for the row accounting.
    """
    totals = torch.zeros(6, dtype=torch.float64, device=ranks.device)
    for batch in batches:
        moved = batch.to(ranks.device)
        attention_BT, propensity_BT = model.predict(moved)
        real = moved.mask_BT
        feedback = moved.feedback_BT[real].double()
        active = (attention_BT * propensity_BT)[real].double().clamp(SMALLEST, 1 - SMALLEST)
        loss = -(feedback * active.log() + (1 - feedback) * (1 - active).log())
        parts = [loss.sum(), attention_BT[real].double().sum(), propensity_BT[real].double().sum()]
        counts = [feedback.sum(), real.sum().double(), feedback.new_tensor(batch.sessions)]
        totals += torch.stack(parts + counts)
    nll, attention, propensity, active_plays, plays, sessions = ranks.sum(totals).tolist()
    if plays == 0:
        return {"sessions": 0.0, "plays": 0.0}
    rate = active_plays / plays
    return {
        "nll": nll / plays,
        "base_rate_nll": _entropy(rate),
        "mean_attention": attention / plays,
        "mean_propensity": propensity / plays,
        "active_rate": rate,
        "sessions": sessions,
        "plays": plays,
    }


def _entropy(rate: float) -> float:
    if rate in (0.0, 1.0):
        return 0.0
    return -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
