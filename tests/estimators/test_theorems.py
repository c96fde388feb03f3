"""Theorems 2 to 6 of the paper by redraws of the feedback (Theorem 1 stands beside Algorithm 1's tests)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from uae_model.estimators.uae import risk_sums

STEPS = 12
REDRAWS = 3000
Array = np.ndarray[Any, Any]

RANDOM = np.random.default_rng(5)
ATTENTION_T = RANDOM.uniform(0.15, 0.9, STEPS)
PROPENSITY_T = RANDOM.uniform(0.2, 0.9, STEPS)
GUESS_T = RANDOM.uniform(0.05, 0.4, STEPS)
"""What the trained network says. The theorems hold for any; below 0.5 all gaps l+ - l- have one sign, so that
biases add up."""

POSITIVE_T, NEGATIVE_T = -np.log(GUESS_T), -np.log(1 - GUESS_T)
GAP_T = POSITIVE_T - NEGATIVE_T


def draw(rho: float = 0.0, history: float = 0.0, *, seed: int = 1) -> tuple[Array, Array]:
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
    everything_T = torch.ones(STEPS, dtype=torch.bool)
    found = [risk_sums(torch.from_numpy(row), everything_T, logits_T, divisor) for row in feedback_RT]
    return np.array([(sums.positive + sums.negative).item() / STEPS for sums in found])


def ideal(share_T: Array) -> float:
    return float(np.mean(share_T * POSITIVE_T + (1 - share_T) * NEGATIVE_T))


def z(risks_R: Array, expected: float) -> float:
    return float((risks_R.mean() - expected) / (risks_R.std(ddof=1) / math.sqrt(len(risks_R))))


def theorem_2_z(rho: float) -> float:
    """Return z of Eq. 17 with the true P(a | X), against the ideal risk of each redraw's own propensities."""
    feedback_RT, propensity_RT = draw(rho, 0.9)
    ideal_R = np.mean(propensity_RT * POSITIVE_T + (1 - propensity_RT) * NEGATIVE_T, axis=1)
    return z(risks(feedback_RT, marginal_attention(rho)) - ideal_R, 0.0)


def test_theorem_2_the_propensity_risk_is_unbiased_where_attention_does_not_stick() -> None:
    assert abs(theorem_2_z(0.0)) < 3.5


def test_theorem_2_fails_where_attention_sticks() -> None:
    # Proposition 1 puts P(a | X) for P(a | X, E): past feedback tells more of a sticky attention than X does.
    assert abs(theorem_2_z(0.8)) > 5


def test_theorem_3_variance_of_the_attention_risk() -> None:
    expected = np.sum(ATTENTION_T * (1 / PROPENSITY_T - ATTENTION_T) * GAP_T**2) / STEPS**2
    # The sample variance of 3,000 draws is right to about 5 % (two standard errors).
    assert abs(risks(draw()[0], PROPENSITY_T).var(ddof=1) / expected - 1) < 0.1


def test_theorem_4_variance_of_the_propensity_risk() -> None:
    expected = np.sum(PROPENSITY_T * (1 / ATTENTION_T - PROPENSITY_T) * GAP_T**2) / STEPS**2
    assert abs(risks(draw()[0], ATTENTION_T).var(ddof=1) / expected - 1) < 0.1


def test_theorem_5_bias_of_the_attention_risk_by_wrong_propensities() -> None:
    wrong_T = np.clip(PROPENSITY_T * 0.6, 0.05, 1)
    bias = float(np.mean((PROPENSITY_T / wrong_T - 1) * ATTENTION_T * GAP_T))
    found_R = risks(draw()[0], wrong_T)
    assert abs(z(found_R, ideal(ATTENTION_T) + bias)) < 3.5
    assert abs(z(found_R, ideal(ATTENTION_T))) > 10


def test_theorem_6_bias_of_the_propensity_risk_by_wrong_attention() -> None:
    wrong_T = np.clip(ATTENTION_T * 0.6, 0.05, 1)
    bias = float(np.mean((ATTENTION_T / wrong_T - 1) * PROPENSITY_T * GAP_T))
    found_R = risks(draw()[0], wrong_T)
    assert abs(z(found_R, ideal(PROPENSITY_T) + bias)) < 3.5
    assert abs(z(found_R, ideal(PROPENSITY_T))) > 10
