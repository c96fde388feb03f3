"""The chain against enumeration of all 2^T paths, by gradcheck, and at its edges."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from uae_model.models.attention_chain import forward_filter, smooth

STICKINESS = (0.0, 0.2, 0.7, 0.95)


def session(steps: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits of attention and propensity, and feedback, each (1, steps)."""
    random = np.random.default_rng(seed)
    attention_BT, propensity_BT = (torch.from_numpy(random.normal(size=(1, steps))) for _ in range(2))
    return attention_BT, propensity_BT, torch.from_numpy((random.random((1, steps)) < 0.3).astype(float))


def by_enumeration(attention_BT: Tensor, propensity_BT: Tensor, feedback_BT: Tensor, rho: float) -> Any:
    """Return P(e_1 .. e_t) for each t, and P(a_t = 1 | e_1 .. e_T), summed over all paths of attention."""
    s, p = attention_BT[0].sigmoid().tolist(), propensity_BT[0].sigmoid().tolist()
    e = feedback_BT[0].tolist()
    steps = len(s)

    def probability(path: tuple[int, ...]) -> float:
        total = 1.0
        for t, attended in enumerate(path):
            on = s[t] if t == 0 else rho * path[t - 1] + (1 - rho) * s[t]
            active = p[t] if attended else 0.0
            total *= (on if attended else 1 - on) * (active if e[t] else 1 - active)
        return total

    prefixes = [sum(map(probability, itertools.product((0, 1), repeat=t))) for t in range(1, steps + 1)]
    paths = {path: probability(path) for path in itertools.product((0, 1), repeat=steps)}
    whole = sum(paths.values())
    smoothed = [
        sum(probability for path, probability in paths.items() if path[t]) / whole for t in range(steps)
    ]
    return prefixes, smoothed


@pytest.mark.parametrize("rho", STICKINESS)
@pytest.mark.parametrize("steps", [1, 2, 5, 10])
def test_likelihood_and_smoothing_are_those_of_all_paths(rho: float, steps: int) -> None:
    for seed in range(3):
        given = session(steps, seed)
        prefixes, smoothed = by_enumeration(*given, rho)
        filtered = forward_filter(*given, rho)
        np.testing.assert_allclose(filtered.log_likelihood_BT[0].cumsum(0), np.log(prefixes), rtol=1e-10)
        mask_BT = torch.ones(1, steps, dtype=torch.bool)
        np.testing.assert_allclose(smooth(*given, mask_BT, rho, filtered)[0], smoothed, rtol=1e-9, atol=1e-12)
        # What is known at the last play has nothing after it: filtered and smoothed agree there.
        assert filtered.log_filtered_BT[0, -1].exp().item() == pytest.approx(smoothed[-1])
        total = filtered.log_filtered_BT.exp() + filtered.log_filtered_not_BT.exp()
        np.testing.assert_allclose(total, 1.0, rtol=1e-12)


@pytest.mark.parametrize("rho", STICKINESS)
def test_gradients(rho: float) -> None:
    attention_BT, propensity_BT, feedback_BT = session(6, 4)

    def likelihood(first_BT: Tensor, second_BT: Tensor) -> Tensor:
        return forward_filter(first_BT, second_BT, feedback_BT, rho).log_likelihood_BT

    inputs = (attention_BT.requires_grad_(), propensity_BT.requires_grad_())
    assert torch.autograd.gradcheck(likelihood, inputs)


def test_without_stickiness_a_passive_play_has_the_one_step_posterior() -> None:
    attention_BT, propensity_BT, _ = session(4, 1)
    filtered = forward_filter(attention_BT, propensity_BT, torch.zeros(1, 4, dtype=torch.float64), 0.0)
    alpha, p = attention_BT.sigmoid(), propensity_BT.sigmoid()
    np.testing.assert_allclose(filtered.log_filtered_BT.exp(), alpha * (1 - p) / (1 - alpha * p), rtol=1e-12)
    np.testing.assert_allclose(filtered.log_likelihood_BT, np.log(1 - alpha * p), rtol=1e-10)


@pytest.mark.parametrize("rho", STICKINESS)
@pytest.mark.parametrize("feedback", [0.0, 1.0])
def test_all_passive_and_all_active_sessions(rho: float, feedback: float) -> None:
    attention_BT, propensity_BT, _ = session(300, 2)
    feedback_BT = torch.full((1, 300), feedback, dtype=torch.float64)
    filtered = forward_filter(attention_BT, propensity_BT, feedback_BT, rho)
    smoothed_BT = smooth(
        attention_BT, propensity_BT, feedback_BT, torch.ones(1, 300, dtype=torch.bool), rho, filtered
    )
    assert filtered.log_likelihood_BT.isfinite().all()
    assert smoothed_BT.isfinite().all()
    assert (smoothed_BT == 1).all() if feedback else ((smoothed_BT > 0) & (smoothed_BT < 1)).all()


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("padding", [(0.0, 1.0), (1.0, 1.0), (0.0, -30.0), (0.0, 30.0), (1.0, -30.0)])
def test_padding_changes_nothing_and_sessions_do_not_touch(rho: float, padding: tuple[float, float]) -> None:
    # Padded steps of passive feedback tell of both states, active ones of one: each kind must be masked.
    feedback, logit = padding
    first, second = session(7, 5), session(4, 6)
    values = (logit, logit, feedback)
    padded = [
        torch.cat([part, torch.full((1, 3), value, dtype=torch.float64)], dim=1)
        for part, value in zip(second, values, strict=True)
    ]
    both = [torch.cat(parts) for parts in zip(first, padded, strict=True)]
    mask_BT = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    attention_BT, propensity_BT, feedback_BT = both
    filtered = forward_filter(attention_BT, propensity_BT, feedback_BT, rho)
    together = smooth(attention_BT, propensity_BT, feedback_BT, mask_BT, rho, filtered)
    for index, alone in enumerate((first, second)):
        steps = alone[0].shape[1]
        everything = torch.ones(1, steps, dtype=torch.bool)
        expected = smooth(*alone, everything, rho, forward_filter(*alone, rho))
        np.testing.assert_allclose(together[index, :steps], expected[0], rtol=1e-12)


def test_extreme_logits_stay_numbers() -> None:
    extreme_BT = torch.tensor([[500.0, -500.0, 500.0, -500.0]], dtype=torch.float64, requires_grad=True)
    feedback_BT = torch.tensor([[0.0, 1.0, 1.0, 0.0]], dtype=torch.float64)
    filtered = forward_filter(extreme_BT, -extreme_BT, feedback_BT, 0.4)
    torch.autograd.backward(filtered.log_likelihood_BT.sum())
    assert filtered.log_likelihood_BT.isfinite().all()
    assert extreme_BT.grad is not None
    assert extreme_BT.grad.isfinite().all()


@pytest.mark.parametrize("rho", [-0.1, 1.0, math.nan])
def test_a_stickiness_out_of_range_is_refused(rho: float) -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\)"):
        forward_filter(*session(2, 0), rho)
