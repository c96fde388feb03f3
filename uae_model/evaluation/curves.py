"""Curves over epochs and gammas: what Fig. 5 and Fig. 6 of the paper show, of any evaluation."""

from __future__ import annotations

from collections.abc import Sequence
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


def weight_curve(gamma: float, attention: Sequence[float]) -> list[float]:
    """Return Eq. 19, w = 1 - (attention + 1)^-gamma, at these values of attention."""
    return [1 - (value + 1) ** -gamma for value in attention]
