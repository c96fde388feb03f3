"""An interval for the mean of attention, from how flat the likelihood is along it.

Likelihood fixes the product of attention and propensity well and their split less well: attention can be
raised and propensity lowered at little cost. The profile moves the attention of a trained pair by a shift
of its logits, lets the propensity's shift and the spread of both answer as well as they can, and keeps every
shift whose loss is not clearly above the best one's. No network is trained again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from uae_model.models.attention_chain import ChainLaw, forward_filter, smooth
from uae_model.models.batch import SessionBatch
from uae_model.models.pair import NetworkPair
from uae_model.models.process_group import ProcessGroup
from uae_model.training.evaluate import ratio_error

STEP, LARGEST_SHIFT = 0.25, 4.0
"""Of attention's logits: the grid of the profile."""

BOUND = 3.0
"""Standard errors of the loss difference within which a shift is kept. A well-specified model would ask for
one; three covered the truth in all of eleven simulated worlds, two in nine (docs/model.md)."""

PROFILE_PLAYS = 30_000
"""Validation plays of a rank that are looked at, at most: their number sets the width, and the time."""

SPREAD_PENALTY = 1e-4
ITERATIONS = 25


@dataclass(frozen=True)
class StoredLogits:
    """What a pair says of some sessions before the chain, and what was observed, each (B, T), in float64."""

    attention_BT: Tensor
    propensity_BT: Tensor
    feedback_BT: Tensor
    mask_BT: Tensor


@dataclass(frozen=True)
class ProfilePoint:
    """The best that a shift of attention can reach: the loss of each session, and the mean of attention."""

    shift: float
    loss_B: Tensor
    mean: float


def mean_attention_interval(
    pair: NetworkPair, batches: Iterable[SessionBatch], group: ProcessGroup
) -> tuple[float, float, float]:
    """Return the mean of the smoothed attention over these plays as trained, and the interval's ends.

    The ends are NaN where no shift has a loss that is a number, as may happen on a handful of sessions.

    Args:
        pair: of a likelihood estimator (joint or a chain).
        batches: this rank's share of the validation plays.
        group: of the ranks; all of them return the same.
    """
    stored = store_logits(pair, batches, group)
    profile = _Profile(stored, pair.traits.law, group)
    start = torch.zeros(3, dtype=torch.float64, device=group.device)
    middle, answer = profile.at(0.0, start)
    points = [middle, *profile.along(STEP, answer, middle), *profile.along(-STEP, answer, middle)]
    best = min(points, key=profile.total)
    kept = [point.mean for point in points if profile.is_close(point, best)]
    trained = profile.mean_of(0.0, start)
    return trained, min(kept, default=math.nan), max(kept, default=math.nan)


def store_logits(pair: NetworkPair, batches: Iterable[SessionBatch], group: ProcessGroup) -> StoredLogits:
    """Return the first sessions of the batches, about ``PROFILE_PLAYS`` plays, padded to one length."""
    parts: list[tuple[Tensor, ...]] = []
    plays = 0
    for batch in batches:
        if plays >= PROFILE_PLAYS:
            continue  # the reader is read to its end: it has a thread that waits for that
        moved = batch.to(group.device)
        with torch.inference_mode():
            logits = pair.logits(moved)
        parts.append((*logits, moved.feedback_BT, moved.mask_BT))
        plays += moved.plays
    if not parts:  # a rank without data
        nothing = torch.zeros(0, 1, dtype=torch.float64, device=group.device)
        return StoredLogits(nothing, nothing, nothing, nothing > 0)
    steps = max(part[0].shape[1] for part in parts)
    joined = [
        torch.cat([pad(tensor, (0, steps - tensor.shape[1])) for tensor in column])
        for column in zip(*parts, strict=True)
    ]
    # Clones, so that autograd may use what inference mode has made.
    attention_BT, propensity_BT, feedback_BT = (values_BT.double().clone() for values_BT in joined[:3])
    return StoredLogits(attention_BT, propensity_BT, feedback_BT, joined[3].clone())


class _Profile:
    """The loss of stored sessions as a function of attention's shift, minimised over all else."""

    def __init__(self, stored: StoredLogits, law: ChainLaw, group: ProcessGroup) -> None:
        self.stored = stored
        self.law = law
        self.group = group
        self.plays_B = stored.mask_BT.sum(dim=1).double()
        self.plays = group.sum(self.plays_B.sum()).item()

    def at(self, shift: float, start: Tensor) -> tuple[ProfilePoint, Tensor]:
        """Return the point of a shift, and the parameters that reach it: two log spreads, one shift."""
        answer = start.clone().requires_grad_()
        optimiser = torch.optim.LBFGS([answer], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

        def closure() -> float:
            optimiser.zero_grad()
            loss = self._loss_B(*self._moved(shift, answer)).sum() / self.plays
            torch.autograd.backward(loss)
            gradient = torch.zeros_like(answer) if answer.grad is None else answer.grad
            summed = self.group.sum(torch.cat([gradient, loss.detach().view(1)]))
            spreads = answer.detach()[:2]
            answer.grad = summed[:-1]
            answer.grad[:2] += 2 * SPREAD_PENALTY * spreads
            return float(summed[-1] + SPREAD_PENALTY * (spreads**2).sum())

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        reached = answer.detach()
        with torch.no_grad():
            loss_B = self._loss_B(*self._moved(shift, reached))
        return ProfilePoint(shift, loss_B, self.mean_of(shift, reached)), reached

    def along(self, step: float, start: Tensor, middle: ProfilePoint) -> Sequence[ProfilePoint]:
        """Return the points on one side of the middle, as far as they may matter."""
        points, best = [], middle
        for number in range(1, round(LARGEST_SHIFT / abs(step)) + 1):
            point, start = self.at(number * step, start)
            points.append(point)
            best = min(best, point, key=self.total)
            if not self.is_close(point, best):
                break
        return points

    def total(self, point: ProfilePoint) -> float:
        """Return the loss of all sessions of all ranks."""
        return self.group.sum(point.loss_B.sum()).item()

    def is_close(self, point: ProfilePoint, best: ProfilePoint) -> bool:
        """Tell whether a point's loss is within the bound of the best one's, on the same sessions."""
        worse_B = point.loss_B - best.loss_B
        sums = torch.stack(
            [worse_B.sum(), (worse_B**2).sum(), (worse_B * self.plays_B).sum(), (self.plays_B**2).sum()]
        )
        worse, squares, cross, squared_plays = self.group.sum(sums).tolist()
        mean = worse / self.plays
        return bool(mean <= BOUND * ratio_error(mean, self.plays, squares, cross, squared_plays))

    def mean_of(self, shift: float, answer: Tensor) -> float:
        """Return the mean of smoothed attention."""
        with torch.no_grad():
            moved = self._moved(shift, answer)
            observed = self.stored.feedback_BT
            filtered = forward_filter(*moved, observed, self.law)
            smoothed_BT = smooth(*moved, observed, self.stored.mask_BT, self.law, filtered)
            total = self.group.sum(smoothed_BT[self.stored.mask_BT].sum())
        return total.item() / self.plays if self.plays else math.nan

    def _moved(self, shift: float, answer: Tensor) -> tuple[Tensor, Tensor]:
        attention_spread, propensity_spread = answer[:2].exp()
        return (
            shift + attention_spread * self.stored.attention_BT,
            answer[2] + propensity_spread * self.stored.propensity_BT,
        )

    def _loss_B(self, attention_BT: Tensor, propensity_BT: Tensor) -> Tensor:
        filtered = forward_filter(attention_BT, propensity_BT, self.stored.feedback_BT, self.law)
        return -torch.where(self.stored.mask_BT, filtered.log_likelihood_BT, 0.0).sum(dim=1)
