"""Theorems 1 to 6 of the paper by redraws of the feedback, with enough of them to tell a fault of 5 % apart.

Each theorem is checked with several seeds, each of REDRAWS sessions of STEPS plays. Where a theorem names a
quantity, a near miss of it is shown to be told apart from it, so that the tolerance is known to bite.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from uae_model.estimators.uae import risk_terms

STEPS = 12
REDRAWS = 40_000
SEEDS = (1, 2, 3)
Array = np.ndarray[Any, Any]

RANDOM = np.random.default_rng(5)
ATTENTION_T = RANDOM.uniform(0.55, 0.9, STEPS)
PROPENSITY_T = RANDOM.uniform(0.2, 0.5, STEPS)
"""Well below attention, so that formulas that take one for the other differ."""

GUESS_T = RANDOM.uniform(0.05, 0.4, STEPS)
"""What the trained network says. The theorems hold for any; below 0.5 all gaps l+ - l- have one sign, so that
biases add up."""

POSITIVE_T, NEGATIVE_T = -np.log(GUESS_T), -np.log(1 - GUESS_T)
GAP_T = POSITIVE_T - NEGATIVE_T

SURE = 4.5
"""Standard errors that no true value is off by (once in 100,000 tries), and every near miss is."""

VARIANCE_TOLERANCE = 0.03
"""The sample variance of 40,000 sessions is right to 0.7 % (one standard error)."""


def draw(seed: int, rho: float = 0.0, history: float = 0.0) -> tuple[Array, Array]:
    """Return feedback and propensity of REDRAWS sessions, each (R, T).

    Attention sticks with probability rho; an active play raises the next propensity by up to ``history``.
    """
    random = np.random.default_rng(seed)
    feedback_RT, propensity_RT = np.zeros((2, REDRAWS, STEPS))
    attended_R, last_R = np.zeros(REDRAWS, dtype=bool), np.zeros(REDRAWS)
    for t in range(STEPS):
        fresh_R = random.random(REDRAWS) < ATTENTION_T[t]
        stays_R = (random.random(REDRAWS) < rho) & (t > 0)
        attended_R = np.where(stays_R, attended_R, fresh_R)
        propensity_RT[:, t] = PROPENSITY_T[t] + history * last_R * (1 - PROPENSITY_T[t])
        last_R = (attended_R & (random.random(REDRAWS) < propensity_RT[:, t])).astype(float)
        feedback_RT[:, t] = last_R
    return feedback_RT, propensity_RT


def marginal_attention(rho: float) -> Array:
    """Return P(a_t = 1 | X), which stickiness averages over the plays before."""
    marginal_T = ATTENTION_T.copy()
    for t in range(1, STEPS):
        marginal_T[t] = rho * marginal_T[t - 1] + (1 - rho) * ATTENTION_T[t]
    return marginal_T


def risks(feedback_RT: Array, divisor_T: Array) -> Array:
    """Return the unclipped risk of every redraw, by the code that trains."""
    logits_T, divisor = torch.logit(torch.from_numpy(GUESS_T)), torch.from_numpy(divisor_T)
    positive_RT, negative_RT = risk_terms(torch.from_numpy(feedback_RT), logits_T, divisor)
    risk_R: Array = (positive_RT + negative_RT).mean(dim=1).numpy()
    return risk_R


def ideal(share_T: Array) -> float:
    """Return the ideal risk (Eq. 3) for true shares of attention, or of propensity."""
    return float(np.mean(share_T * POSITIVE_T + (1 - share_T) * NEGATIVE_T))


def z(risks_R: Array, expected: float) -> float:
    """Return how many standard errors the mean of the redraws lies from what is expected."""
    return float((risks_R.mean() - expected) / (risks_R.std(ddof=1) / math.sqrt(len(risks_R))))


@pytest.mark.parametrize("seed", SEEDS)
def test_theorem_1_the_attention_risk_is_unbiased_with_true_propensities(seed: int) -> None:
    feedback_RT, propensity_RT = draw(seed, rho=0.8, history=0.9)  # attention may stick: Eq. 16 divides by p
    assert abs(z(risks(feedback_RT, propensity_RT), ideal(marginal_attention(0.8)))) < SURE
    # Every propensity off by one part in twenty, up or down, is told apart.
    for factor in (0.95, 1.05):
        assert abs(z(risks(feedback_RT, propensity_RT * factor), ideal(marginal_attention(0.8)))) > SURE


def theorem_2_z(seed: int, rho: float, factor: float = 1.0) -> float:
    """Return z of Eq. 17 with P(a | X) times a factor, against the ideal risk of these propensities."""
    feedback_RT, propensity_RT = draw(seed, rho, 0.9)
    ideal_R = np.mean(propensity_RT * POSITIVE_T + (1 - propensity_RT) * NEGATIVE_T, axis=1)
    return z(risks(feedback_RT, marginal_attention(rho) * factor) - ideal_R, 0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_theorem_2_the_propensity_risk_is_unbiased_where_attention_does_not_stick(seed: int) -> None:
    assert abs(theorem_2_z(seed, 0.0)) < SURE
    for factor in (0.95, 1.05):
        assert abs(theorem_2_z(seed, 0.0, factor)) > SURE


@pytest.mark.parametrize("seed", SEEDS)
def test_theorem_2_fails_where_attention_sticks(seed: int) -> None:
    # Proposition 1 puts P(a | X) for P(a | X, E): past feedback tells more of a sticky attention than X does.
    assert abs(theorem_2_z(seed, 0.8)) > SURE


def variance(share_T: Array, divisor_T: Array, subtracted_T: Array) -> float:
    """Return mean-square of share (1 / divisor - subtracted) (l+ - l-)^2, the form of Theorems 3 and 4."""
    return float(np.sum(share_T * (1 / divisor_T - subtracted_T) * GAP_T**2) / STEPS**2)


@pytest.mark.parametrize("seed", SEEDS)
def test_theorem_3_variance_of_the_attention_risk(seed: int) -> None:
    measured = risks(draw(seed)[0], PROPENSITY_T).var(ddof=1)
    expected = variance(ATTENTION_T, PROPENSITY_T, ATTENTION_T)
    assert abs(measured / expected - 1) < VARIANCE_TOLERANCE
    mistaken = variance(ATTENTION_T, PROPENSITY_T, PROPENSITY_T)  # 1 / p - p for 1 / p - alpha
    assert abs(measured / mistaken - 1) > 3 * VARIANCE_TOLERANCE


@pytest.mark.parametrize("seed", SEEDS)
def test_theorem_4_variance_of_the_propensity_risk(seed: int) -> None:
    measured = risks(draw(seed)[0], ATTENTION_T).var(ddof=1)
    expected = variance(PROPENSITY_T, ATTENTION_T, PROPENSITY_T)
    assert abs(measured / expected - 1) < VARIANCE_TOLERANCE
    mistaken = variance(PROPENSITY_T, ATTENTION_T, ATTENTION_T)  # 1 / alpha - alpha for 1 / alpha - p
    assert abs(measured / mistaken - 1) > 3 * VARIANCE_TOLERANCE


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", [0.6, 0.95, 1.05, 1.5])
def test_theorem_5_bias_of_the_attention_risk_by_wrong_propensities(seed: int, factor: float) -> None:
    wrong_T = PROPENSITY_T * factor
    bias = float(np.mean((PROPENSITY_T / wrong_T - 1) * ATTENTION_T * GAP_T))
    measured_R = risks(draw(seed)[0], wrong_T)
    assert abs(z(measured_R, ideal(ATTENTION_T) + bias)) < SURE
    assert abs(z(measured_R, ideal(ATTENTION_T))) > SURE


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", [0.6, 0.95, 1.05, 1.1])
def test_theorem_6_bias_of_the_propensity_risk_by_wrong_attention(seed: int, factor: float) -> None:
    wrong_T = ATTENTION_T * factor
    bias = float(np.mean((ATTENTION_T / wrong_T - 1) * PROPENSITY_T * GAP_T))
    measured_R = risks(draw(seed)[0], wrong_T)
    assert abs(z(measured_R, ideal(PROPENSITY_T) + bias)) < SURE
    assert abs(z(measured_R, ideal(PROPENSITY_T))) > SURE
