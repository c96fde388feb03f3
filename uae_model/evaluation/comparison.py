"""Comparisons of weightings: means and deviations over seeds, gains, paired t-tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from uae_model.evaluation.metrics import relative_improvement
from uae_model.evaluation.trials import TrialResult

SIGNIFICANT = 0.05
BASE = "none"


@dataclass(frozen=True)
class Summary:
    """One weighting of one model by one metric, over the seeds.

    Attributes:
        mean: of the metric, from 0 to 1.
        deviation: sample standard deviation; None with one seed.
        seeds: number of seeds.
    """

    mean: float
    deviation: float | None
    seeds: int


@dataclass(frozen=True)
class Gain:
    """A weighting against another on the seeds that both have.

    Attributes:
        difference: of the means, from -1 to 1.
        relative: RelaImpr in percent.
        p_value: of the two-sided paired t-test; None with one seed or equal figures.
    """

    difference: float
    relative: float
    p_value: float | None

    @property
    def significant(self) -> bool:
        """Whether the paper's '*' stands: better, with p < 0.05."""
        return self.difference > 0 and self.p_value is not None and self.p_value < SIGNIFICANT


class Findings:
    """Results of many trials, looked up by model and weighting."""

    def __init__(self, results: Sequence[TrialResult]) -> None:
        self._by_trial = {
            (result.trial.model, result.trial.weighting, result.trial.seed): result.metrics
            for result in results
        }
        self.models = list(dict.fromkeys(result.trial.model for result in results))
        self.weightings = list(dict.fromkeys(result.trial.weighting for result in results))
        self.seeds = list(dict.fromkeys(result.trial.seed for result in results))

    def values(self, model: str, weighting: str, metric: str) -> dict[int, float]:
        """Return the metric by seed, of the seeds that have it."""
        by_seed = {seed: self._by_trial.get((model, weighting, seed), {}).get(metric) for seed in self.seeds}
        return {seed: value for seed, value in by_seed.items() if value is not None and np.isfinite(value)}

    def summary(self, model: str, weighting: str, metric: str) -> Summary | None:
        """Return mean and deviation, None where no seed has the metric."""
        values = list(self.values(model, weighting, metric).values())
        if not values:
            return None
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return Summary(float(np.mean(values)), deviation, len(values))

    def gain(self, model: str, weighting: str, metric: str, over: str = BASE) -> Gain | None:
        """Return the gain over another weighting, None where no seed has both."""
        mine, other = self.values(model, weighting, metric), self.values(model, over, metric)
        both = sorted(mine.keys() & other.keys())
        if not both:
            return None
        mine_R, other_R = (np.array([values[seed] for seed in both]) for values in (mine, other))
        return Gain(
            difference=float(mine_R.mean() - other_R.mean()),
            relative=relative_improvement(float(mine_R.mean()), float(other_R.mean())),
            p_value=paired_p_value(mine_R, other_R),
        )


def paired_p_value(first_R: NDArray[Any], second_R: NDArray[Any]) -> float | None:
    """Return p of the two-sided paired t-test; None with fewer than two pairs or without any difference."""
    difference_R = np.asarray(first_R) - np.asarray(second_R)
    if len(difference_R) < 2 or not difference_R.any():
        return None
    return float(stats.ttest_rel(first_R, second_R).pvalue)
