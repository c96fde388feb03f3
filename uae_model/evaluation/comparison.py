"""Comparisons of weightings: means and deviations over seeds, gains, paired t-tests, intervals.

Shape suffixes: R seeds that both weightings have, P parts of the users.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from uae_model.evaluation.curves import CONFIDENCE
from uae_model.evaluation.labels import PART_METRIC, USER_PARTS, part_name
from uae_model.evaluation.metrics import relative_improvement
from uae_model.evaluation.trials import TrialResult

SIGNIFICANT = 0.05
BASE = "none"
FEWEST_PARTS = 5
"""Parts of the users with a figure that an interval needs."""
NO_VARIANCE = 1e-20
"""Below this a variance is rounding: equal gains allow no interval."""


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
        p_value: of the two-sided paired t-test over the seeds; None with one seed or equal figures.
        interval: ends of the 95 % interval of the difference (``half_width``); None where parts of the users
            are not known.
    """

    difference: float
    relative: float
    p_value: float | None
    interval: tuple[float, float] | None = None

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
        difference = float(mine_R.mean() - other_R.mean())
        half = half_width(mine_R - other_R, self._part_gains(model, weighting, metric, over, both))
        return Gain(
            difference=difference,
            relative=relative_improvement(float(mine_R.mean()), float(other_R.mean())),
            p_value=paired_p_value(mine_R, other_R),
            interval=None if half is None else (difference - half, difference + half),
        )

    def _part_gains(
        self, model: str, weighting: str, metric: str, over: str, seeds: Sequence[int]
    ) -> NDArray[np.float64]:
        """Return difference_RP, the gain of each seed on each part of the users; NaN where none is known."""
        setting, _, name = metric.rpartition(".")
        if name != PART_METRIC:
            return np.full((len(seeds), 0), np.nan)
        trials = self._by_trial
        names = [part_name(setting, part) for part in range(USER_PARTS)]
        mine_RP, other_RP = (
            np.array([[trials[model, one, seed].get(part, np.nan) for part in names] for seed in seeds])
            for one in (weighting, over)
        )
        difference_RP: NDArray[np.float64] = mine_RP - other_RP
        return difference_RP


def half_width(difference_R: NDArray[Any], difference_RP: NDArray[Any]) -> float | None:
    """Return half of the 95 % interval of a mean gain, None where too few parts have a figure.

    Two kinds of noise are added: that of the users who were judged, from the parts, and that of the fits,
    from the seeds; the degrees of freedom are Satterthwaite's (1946). With one seed it is that of the users
    alone.

    Args:
        difference_R: the gain by seed.
        difference_RP: the gain by seed and part of the users, NaN where a part has none.
    """
    gain_P = difference_RP.mean(axis=0)
    gain_P = gain_P[np.isfinite(gain_P)]
    seeds, parts = len(difference_R), len(gain_P)
    if parts < FEWEST_PARTS:
        return None
    users = float(gain_P.var(ddof=1)) / parts
    fits = float(np.var(difference_R, ddof=1)) / seeds if seeds > 1 else 0.0
    variance = users + fits
    if variance < NO_VARIANCE:
        return None
    freedom = variance**2 / (users**2 / (parts - 1) + fits**2 / max(1, seeds - 1))
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(variance)


def paired_p_value(first_R: NDArray[Any], second_R: NDArray[Any]) -> float | None:
    """Return p of the two-sided paired t-test; None with fewer than two pairs or without any difference."""
    difference_R = np.asarray(first_R) - np.asarray(second_R)
    if len(difference_R) < 2 or not difference_R.any():
        return None
    return float(stats.ttest_rel(first_R, second_R).pvalue)
