"""ROC-AUC, reliability and calibration error from counts by score bin; no Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uae_model.report.facts import Recovery, ReliabilityBin

RELIABILITY_BINS = 10

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoreCounts:
    """Plays counted by score bin and feedback: K cells, ordered by bin.

    ``score_sum_K`` is the sum of the score over a cell's plays, so means stay exact.
    """

    bin_K: Integers
    is_active_K: NDArray[np.bool_]
    plays_K: Integers
    attended_K: Integers
    score_sum_K: Floats

    def passive_only(self) -> ScoreCounts:
        """Return the cells of passive plays."""
        return self._where(~self.is_active_K)

    def by_bin(self) -> tuple[Integers, Integers, Floats]:
        """Return plays, attended plays and score sums of each occupied bin, in order of the score."""
        _, index = np.unique(self.bin_K, return_inverse=True)
        size = int(index.max()) + 1 if len(index) else 0

        def summed(values: NDArray[Any]) -> Floats:
            totals: Floats = np.bincount(index, weights=values, minlength=size).astype(np.float64)
            return totals

        plays, attended = summed(self.plays_K).astype(np.int64), summed(self.attended_K).astype(np.int64)
        return plays, attended, summed(self.score_sum_K)

    def _where(self, chosen: NDArray[np.bool_]) -> ScoreCounts:
        return ScoreCounts(
            bin_K=self.bin_K[chosen],
            is_active_K=self.is_active_K[chosen],
            plays_K=self.plays_K[chosen],
            attended_K=self.attended_K[chosen],
            score_sum_K=self.score_sum_K[chosen],
        )


def recovery(estimated: ScoreCounts, true: ScoreCounts) -> Recovery | None:
    """Return how well the estimate recovers attention, or None without plays.

    Args:
        estimated: counts by estimated attention.
        true: counts of the same plays by the simulator's attention probability.
    """
    plays, attended, score_sum = estimated.by_bin()
    total = int(plays.sum())
    if total == 0:
        return None
    auc, error = roc_auc(attended, plays - attended)
    true_plays, true_attended, _ = true.by_bin()
    bins = reliability(plays, attended, score_sum)
    return Recovery(
        plays=total,
        attended=int(attended.sum()),
        mean_attention=float(score_sum.sum()) / total,
        auc=auc,
        auc_error=error,
        true_attention_auc=roc_auc(true_attended, true_plays - true_attended)[0],
        calibration_error=calibration_error(bins),
        bins=bins,
    )


def roc_auc(positives: Integers, negatives: Integers) -> tuple[float | None, float]:
    """Return the ROC-AUC of scores counted in bins, and the most that binning can have changed it.

    AUC = P(score of a positive > score of a negative), a tie counts half (the Mann-Whitney statistic). All
    pairs within a bin are ties here; in the exact AUC each lies between 0 and 1.

    Args:
        positives: by bin, in rising order of the score.
        negatives: the same bins.

    Returns:
        (None, 0) where one class is missing.
    """
    pairs = float(positives.sum()) * float(negatives.sum())
    if pairs == 0:
        return None, 0.0
    below = np.cumsum(negatives) - negatives
    within = float((positives.astype(float) * negatives).sum())
    won = float((positives.astype(float) * below).sum())
    return (won + within / 2) / pairs, within / 2 / pairs


def reliability(plays: Integers, attended: Integers, score_sum: Floats) -> tuple[ReliabilityBin, ...]:
    """Return up to ten groups of (nearly) equal size by rising score, without empty ones.

    A score bin is never split: it joins the group in which its middle play falls.
    """
    middle = np.cumsum(plays) - plays / 2
    group = np.minimum((middle * RELIABILITY_BINS / plays.sum()).astype(int), RELIABILITY_BINS - 1)
    bins = []
    for number in range(RELIABILITY_BINS):
        inside = group == number
        count = int(plays[inside].sum())
        if count:
            estimated, share = score_sum[inside].sum() / count, attended[inside].sum() / count
            bins.append(ReliabilityBin(count, float(estimated), float(share)))
    return tuple(bins)


def calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Return the mean distance between estimate and truth over the groups, weighted by their plays (ECE)."""
    total = sum(group.plays for group in bins)
    return sum(group.plays * abs(group.mean_estimated - group.share_attended) for group in bins) / total
