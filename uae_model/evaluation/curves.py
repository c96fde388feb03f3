"""Curves over epochs and days with their intervals: what Fig. 5 and Fig. 7 of the paper show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Band:
    """Means with the ends of a 95 % t-interval over runs; without a second run the ends are the mean."""

    mean_T: NDArray[np.float64]
    low_T: NDArray[np.float64]
    high_T: NDArray[np.float64]


def t_band(values_RT: NDArray[np.float64]) -> Band:
    """Return mean and t-interval over R runs at each of T points (Fig. 5 of the paper: 10 runs)."""
    runs = len(values_RT)
    mean_T = values_RT.mean(axis=0)
    if runs < 2:
        return Band(mean_T, mean_T, mean_T)
    half_T = stats.t.ppf((1 + CONFIDENCE) / 2, runs - 1) * values_RT.std(axis=0, ddof=1) / np.sqrt(runs)
    return Band(mean_T, mean_T - half_T, mean_T + half_T)
