"""Held-out quality of attention/propensity pairs, without any truth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from uae_model.models.batch import SessionBatch
from uae_model.models.pair import ATTENTION_KINDS, NetworkPair
from uae_model.models.process_group import ProcessGroup
from uae_model.weights.resolution import LOGIT_BINS, logit_histogram

COLLAPSED = 0.9
"""Above this mean, p^ = 1 (then alpha^ is P(e), the PN solution) or alpha^ = 1 has been reached."""


def evaluate(pair: NetworkPair, batches: Iterable[SessionBatch], group: ProcessGroup) -> dict[str, float]:
    """Return the mean metrics over all real plays of all ranks.

    ``nll`` is the negative log-likelihood per play of the observed feedback given what came before (Eq. 9
    for independent plays), in nats: the one quality figure that needs no truth. ``nll_error`` is its
    standard error, with a session as one draw. ``base_rate_nll`` is that of the constant P(e = 1).
    ``mean_attention`` and ``mean_propensity`` are means of what the pair predicts; ``collapsed`` is 1
    where one of them exceeds 0.9. ``sessions`` and ``plays`` count what was read.
    """
    totals = torch.zeros(9, dtype=torch.float64, device=group.device)
    for batch in batches:
        moved = batch.to(group.device)
        prediction = pair.predict(moved, "prediction")
        real = moved.mask_BT
        loss_B, plays_B = _session_losses(prediction.log_likelihood_BT, real)
        totals += torch.stack(
            [
                loss_B.sum(),
                prediction.attention["prediction"][real].sum(),
                prediction.propensity_BT[real].sum(),
                moved.feedback_BT[real].double().sum(),
                plays_B.sum(),
                plays_B.new_tensor(batch.sessions),
                (loss_B**2).sum(),
                (loss_B * plays_B).sum(),
                (plays_B**2).sum(),
            ]
        )
    loss, attention, propensity, active, plays, sessions, *moments = group.sum(totals).tolist()
    if plays == 0:
        return {"sessions": 0.0, "plays": 0.0}
    rate, means = active / plays, (attention / plays, propensity / plays)
    return {
        "nll": loss / plays,
        "nll_error": ratio_error(loss / plays, plays, *moments),
        "base_rate_nll": _entropy(rate),
        "mean_attention": means[0],
        "mean_propensity": means[1],
        "collapsed": float(max(means) > COLLAPSED),
        "active_rate": rate,
        "sessions": sessions,
        "plays": plays,
    }


def paired_differences(
    pairs: Sequence[NetworkPair], batches: Iterable[SessionBatch], group: ProcessGroup
) -> list[tuple[float, float]]:
    """Return, for each pair, its ``nll`` minus that of the best one, and the standard error of that.

    All pairs are judged on the same sessions, so what makes a session hard for all of them cancels.
    """
    size = len(pairs) + 1
    moments = torch.zeros(size, size, dtype=torch.float64, device=group.device)
    sums = torch.zeros(size, dtype=torch.float64, device=group.device)
    for batch in batches:
        moved = batch.to(group.device)
        losses = []
        for pair in pairs:
            prediction = pair.predict(moved, "prediction")
            loss_B, plays_B = _session_losses(prediction.log_likelihood_BT, moved.mask_BT)
            losses.append(loss_B)
        columns = torch.stack([*losses, plays_B], dim=1)
        moments += columns.T @ columns
        sums += columns.sum(dim=0)
    moment, total = group.sum(moments).tolist(), group.sum(sums).tolist()
    plays = total[-1]
    best = min(range(len(pairs)), key=lambda index: total[index])
    differences = []
    for index in range(len(pairs)):
        mean = (total[index] - total[best]) / plays
        squares = moment[index][index] - 2 * moment[index][best] + moment[best][best]
        cross = moment[index][-1] - moment[best][-1]
        differences.append((mean, ratio_error(mean, plays, squares, cross, moment[-1][-1])))
    return differences


def calibrate(pair: NetworkPair, batches: Iterable[SessionBatch], group: ProcessGroup) -> dict[str, Any]:
    """Return histograms of each kind of attention over passive plays, in logits, and the counts of plays.

    ``uae_model.weights.resolution`` finds shifts and factors from them.
    """
    counts = torch.zeros(len(ATTENTION_KINDS) * LOGIT_BINS + 2, dtype=torch.int64, device=group.device)
    for batch in batches:
        moved = batch.to(group.device)
        passive = moved.mask_BT & (moved.feedback_BT == 0)
        prediction = pair.predict(moved, *ATTENTION_KINDS)
        parts = [
            torch.from_numpy(logit_histogram(prediction.attention[kind][passive].cpu().numpy()))
            for kind in ATTENTION_KINDS
        ]
        plays = torch.stack([passive.sum(), moved.mask_BT.sum() - passive.sum()])
        counts += torch.cat([*(part.to(group.device) for part in parts), plays])
    summed = group.sum(counts).cpu()
    histograms = summed[:-2].view(len(ATTENTION_KINDS), LOGIT_BINS)
    return {
        "passive_plays": int(summed[-2]),
        "active_plays": int(summed[-1]),
        "histograms": {kind: histograms[index].clone() for index, kind in enumerate(ATTENTION_KINDS)},
    }


def ratio_error(mean: float, plays: float, squares: float, cross: float, squared_plays: float) -> float:
    """Return the standard error of sum(L) / sum(n) over independent sessions (linearised).

    Args:
        mean: sum(L) / sum(n).
        plays: sum(n).
        squares: sum(L^2).
        cross: sum(L n).
        squared_plays: sum(n^2).
    """
    residual = squares - 2 * mean * cross + mean**2 * squared_plays
    return math.sqrt(max(0.0, residual)) / plays


def _session_losses(log_likelihood_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
    """Return the negative log-likelihood and the plays of each session."""
    return -torch.where(mask_BT, log_likelihood_BT, 0.0).sum(dim=1), mask_BT.sum(dim=1).double()


def _entropy(rate: float) -> float:
    if rate in (0.0, 1.0):
        return 0.0
    return -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
