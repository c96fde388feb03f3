"""Ranking metrics of a recommender (Sec. VI-A of the paper)."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
UserWeight = Literal["clicks", "rows"]


def auc(label_N: NDArray[Any], score_N: NDArray[Any]) -> float:
    """Return the area under the ROC curve, ties counted half; NaN where one class is missing.

    The rank-sum statistic; ``sklearn.metrics.roc_auc_score`` gives the same (a test compares) in several
    times the time.
    """
    positive_N = np.asarray(label_N) > 0
    positives = int(positive_N.sum())
    negatives = len(positive_N) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    rank_sum = float(rankdata(score_N)[positive_N].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def drawn_auc(label_N: NDArray[Any], score_N: NDArray[Any], count_ND: NDArray[Any]) -> Floats:
    """Return auc_D: the AUC of samples that hold each row as often as ``count_ND`` says, ties counted half.

    NaN where a sample lacks one class.
    """
    order_N = np.argsort(score_N, kind="stable")
    positive_N = np.asarray(label_N)[order_N] > 0
    count_ND = np.asarray(count_ND, np.float64)[order_N]
    starts = np.flatnonzero(np.append(True, np.diff(np.asarray(score_N)[order_N]) != 0))
    positive_TD = np.add.reduceat(np.where(positive_N[:, None], count_ND, 0.0), starts)
    negative_TD = np.add.reduceat(np.where(positive_N[:, None], 0.0, count_ND), starts)
    below_TD = np.cumsum(negative_TD, axis=0) - negative_TD / 2
    pairs_D = positive_TD.sum(axis=0) * negative_TD.sum(axis=0)
    with np.errstate(invalid="ignore"):
        auc_D: Floats = (positive_TD * below_TD).sum(axis=0) / pairs_D
    return auc_D


def grouped_auc(
    label_N: NDArray[Any], score_N: NDArray[Any], user_N: NDArray[Any], weight: UserWeight
) -> float:
    """Return GAUC = sum_u w_u AUC_u / sum_u w_u over the users who have both classes; NaN if none has.

    Args:
        label_N: 1 for a positive play, 0 for a negative one.
        score_N: what the plays are ranked by; ties count half.
        user_N: any number that names the user.
        weight: w_u is the user's number of positive plays (``clicks``, the paper's) or of plays (``rows``).
    """
    positive_N = np.asarray(label_N) > 0
    order_N = np.lexsort((score_N, user_N))
    user_N, score_N, positive_N = (np.asarray(column)[order_N] for column in (user_N, score_N, positive_N))
    new_user_N = np.append(True, user_N[1:] != user_N[:-1])
    user_U = np.flatnonzero(new_user_N)
    group_N = np.cumsum(new_user_N) - 1
    rank_N = _ranks(score_N, new_user_N) - user_U[group_N]
    plays_U = np.diff(np.append(user_U, len(user_N)))
    positives_U = np.bincount(group_N, positive_N, len(user_U))
    rank_sum_U = np.bincount(group_N, rank_N * positive_N, len(user_U))
    pairs_U = positives_U * (plays_U - positives_U)
    both_U = pairs_U > 0
    if not both_U.any():
        return float("nan")
    wins_U = rank_sum_U - positives_U * (positives_U + 1) / 2
    auc_U = wins_U[both_U] / pairs_U[both_U]
    weight_U = (positives_U if weight == "clicks" else plays_U)[both_U]
    return float(np.average(auc_U, weights=weight_U))


LEAST_BASE = 0.51
"""Below this AUC a base model is hardly better than chance, and a ratio to so small a lead is noise."""


def relative_improvement(metric: float, base: float) -> float:
    """Return RelaImpr in percent: ((metric - 0.5) / (base - 0.5) - 1) * 100; NaN below ``LEAST_BASE``."""
    if not base >= LEAST_BASE:  # nor where the base is NaN
        return math.nan
    return ((metric - 0.5) / (base - 0.5) - 1) * 100


def _ranks(score_N: Floats, new_user_N: NDArray[np.bool_]) -> Floats:
    """Return the ranks, from 1 over all rows, of sorted scores; ties within a user share their mean rank."""
    starts = np.flatnonzero(new_user_N | np.append(True, score_N[1:] != score_N[:-1]))
    ends = np.append(starts[1:], len(score_N))
    return np.repeat((starts + ends + 1) / 2, ends - starts)
