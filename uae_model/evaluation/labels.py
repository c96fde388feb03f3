"""The labels that a recommender is judged by. Every figure names its setting: they disagree, with reason.

A model that rightly doubts passive plays looks worse where auto-play counts as positive, and better where
only what users said, or truly like, counts (docs/model.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uae_model.evaluation.metrics import auc, grouped_auc
from uae_model.evaluation.plays import TEST, UNKNOWN, EvaluationPlays

SETTINGS = {
    "true_relevance": "true relevance of every play (simulation)",
    "active_plays": "labels of active plays only",
    "observed_labels": "observed labels, auto-play counted as positive",
}
"""The three label settings and their titles."""

METRICS = {
    "auc": "AUC",
    "gauc_clicks": "GAUC (users weighted by clicks)",
    "gauc_rows": "GAUC (users weighted by plays)",
}


PART_METRIC = "gauc_clicks"
"""The metric that is also told of parts of the users, for intervals."""

USER_PARTS = 10
"""Parts of about equally many users that the judged plays are cut into."""


def part_name(setting: str, part: int) -> str:
    """Return the name of the metric ``PART_METRIC`` of one part of the users, from 0."""
    return f"user_parts.{setting}.{part}"


@dataclass(frozen=True)
class JudgedPlays:
    """The test plays of one setting: ``chosen_N`` among all plays, and the label of each chosen one."""

    chosen_N: NDArray[np.int64]
    label_N: NDArray[np.int8]


def judged_plays(plays: EvaluationPlays) -> dict[str, JudgedPlays]:
    """Return the settings that these plays allow: true relevance only where it is known."""
    test_N = plays.split_N == TEST
    by_setting = {}
    if plays.relevance_N is not None:
        chosen_N = np.flatnonzero(test_N & (plays.relevance_N != UNKNOWN))
        by_setting["true_relevance"] = JudgedPlays(chosen_N, plays.relevance_N[chosen_N])
    for setting, mask_N in (("active_plays", test_N & plays.active_N), ("observed_labels", test_N)):
        chosen_N = np.flatnonzero(mask_N)
        by_setting[setting] = JudgedPlays(chosen_N, plays.label_N[chosen_N])
    return by_setting


def judge(
    judged: dict[str, JudgedPlays], user_N: NDArray[np.int64], score_N: NDArray[np.float32]
) -> dict[str, float]:
    """Return ``<setting>.<metric>`` of a score of all plays; NaN where a setting has one class only."""
    metrics = {}
    for setting, plays in judged.items():
        score, user = score_N[plays.chosen_N], user_N[plays.chosen_N]
        metrics[f"{setting}.auc"] = auc(plays.label_N, score)
        metrics[f"{setting}.gauc_clicks"] = grouped_auc(plays.label_N, score, user, "clicks")
        metrics[f"{setting}.gauc_rows"] = grouped_auc(plays.label_N, score, user, "rows")
    return metrics


def judge_parts(
    judged: dict[str, JudgedPlays], user_N: NDArray[np.int64], score_N: NDArray[np.float32]
) -> dict[str, float]:
    """Return ``PART_METRIC`` of each part of the users, by ``part_name``; NaN where no user has both classes.

    The parts depend on the users alone, so those of two trials on the same plays can be paired.
    """
    metrics = {}
    for setting, plays in judged.items():
        score, user = score_N[plays.chosen_N], user_N[plays.chosen_N]
        _, place_N = np.unique(user, return_inverse=True)
        for part in range(USER_PARTS):
            in_part_N = place_N % USER_PARTS == part
            metrics[part_name(setting, part)] = (
                grouped_auc(plays.label_N[in_part_N], score[in_part_N], user[in_part_N], "clicks")
                if in_part_N.any()
                else np.nan
            )
    return metrics
