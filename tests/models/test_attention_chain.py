"""The chain against enumeration of all 2^T paths, by gradcheck, and at its edges."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from uae_model.models.attention_chain import PAPER_LAW, ChainLaw, forward_filter, smooth

LAWS = [ChainLaw(rho, eps) for rho in (0.0, 0.2, 0.7, 0.95) for eps in (0.0, 0.03, 0.5)]


def session(steps: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits of attention and propensity, and feedback, each (1, steps)."""
    random = np.random.default_rng(seed)
    attention_BT, propensity_BT = (torch.from_numpy(random.normal(size=(1, steps))) for _ in range(2))
    return attention_BT, propensity_BT, torch.from_numpy((random.random((1, steps)) < 0.3).astype(float))


def by_enumeration(attention_BT: Tensor, propensity_BT: Tensor, feedback_BT: Tensor, law: ChainLaw) -> Any:
    """Return P(e_1 .. e_t) for each t, and P(a_t = 1 | e_1 .. e_T), summed over all paths of attention."""
    s, p = attention_BT[0].sigmoid().tolist(), propensity_BT[0].sigmoid().tolist()
    e = feedback_BT[0].tolist()
    steps, rho = len(s), law.stickiness

    def probability(path: tuple[int, ...]) -> float:
        total = 1.0
        for t, attended in enumerate(path):
            on = s[t] if t == 0 else rho * path[t - 1] + (1 - rho) * s[t]
            active = p[t] if attended else law.accidental
            total *= (on if attended else 1 - on) * (active if e[t] else 1 - active)
        return total

    prefixes = [sum(map(probability, itertools.product((0, 1), repeat=t))) for t in range(1, steps + 1)]
    paths = {path: probability(path) for path in itertools.product((0, 1), repeat=steps)}
    whole = sum(paths.values())
    smoothed = [
        sum(probability for path, probability in paths.items() if path[t]) / whole for t in range(steps)
    ]
    return prefixes, smoothed


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("steps", [1, 2, 5, 10])
def test_likelihood_and_smoothing_are_those_of_all_paths(law: ChainLaw, steps: int) -> None:
    for seed in range(3):
        given = session(steps, seed)
        prefixes, smoothed = by_enumeration(*given, law)
        filtered = forward_filter(*given, law)
        np.testing.assert_allclose(filtered.log_likelihood_BT[0].cumsum(0), np.log(prefixes), rtol=1e-10)
        mask_BT = torch.ones(1, steps, dtype=torch.bool)
        np.testing.assert_allclose(smooth(*given, mask_BT, law, filtered)[0], smoothed, rtol=1e-9, atol=1e-12)
        # What is known at the last play has nothing after it: filtered and smoothed agree there.
        assert filtered.filtered_BT[0, -1].item() == pytest.approx(smoothed[-1])
        total = filtered.filtered_BT + filtered.filtered_not_BT
        np.testing.assert_allclose(total, 1.0, rtol=1e-12)


@pytest.mark.parametrize("law", LAWS)
def test_gradients(law: ChainLaw) -> None:
    attention_BT, propensity_BT, feedback_BT = session(6, 4)

    def likelihood(first_BT: Tensor, second_BT: Tensor) -> Tensor:
        return forward_filter(first_BT, second_BT, feedback_BT, law).log_likelihood_BT

    inputs = (attention_BT.requires_grad_(), propensity_BT.requires_grad_())
    assert torch.autograd.gradcheck(likelihood, inputs)


def test_without_stickiness_a_passive_play_has_the_one_step_posterior() -> None:
    attention_BT, propensity_BT, _ = session(4, 1)
    filtered = forward_filter(attention_BT, propensity_BT, torch.zeros(1, 4, dtype=torch.float64), PAPER_LAW)
    alpha, p = attention_BT.sigmoid(), propensity_BT.sigmoid()
    np.testing.assert_allclose(filtered.filtered_BT, alpha * (1 - p) / (1 - alpha * p), rtol=1e-12)
    np.testing.assert_allclose(filtered.log_likelihood_BT, np.log(1 - alpha * p), rtol=1e-10)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("feedback", [0.0, 1.0])
def test_all_passive_and_all_active_sessions(law: ChainLaw, feedback: float) -> None:
    attention_BT, propensity_BT, _ = session(300, 2)
    feedback_BT = torch.full((1, 300), feedback, dtype=torch.float64)
    filtered = forward_filter(attention_BT, propensity_BT, feedback_BT, law)
    smoothed_BT = smooth(
        attention_BT, propensity_BT, feedback_BT, torch.ones(1, 300, dtype=torch.bool), law, filtered
    )
    assert filtered.log_likelihood_BT.isfinite().all()
    assert smoothed_BT.isfinite().all()
    certain = feedback == 1 and law.accidental == 0
    assert (smoothed_BT == 1).all() if certain else ((smoothed_BT > 0) & (smoothed_BT < 1)).all()


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("padding", [(0.0, 1.0), (1.0, 1.0), (0.0, -30.0), (0.0, 30.0), (1.0, -30.0)])
def test_padding_changes_nothing_and_sessions_do_not_touch(
    law: ChainLaw, padding: tuple[float, float]
) -> None:
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
    filtered = forward_filter(attention_BT, propensity_BT, feedback_BT, law)
    together = smooth(attention_BT, propensity_BT, feedback_BT, mask_BT, law, filtered)
    for index, alone in enumerate((first, second)):
        steps = alone[0].shape[1]
        everything = torch.ones(1, steps, dtype=torch.bool)
        expected = smooth(*alone, everything, law, forward_filter(*alone, law))
        np.testing.assert_allclose(together[index, :steps], expected[0], rtol=1e-12)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_extreme_logits_stay_numbers(law: ChainLaw, kind: torch.dtype) -> None:
    extreme_BT = torch.tensor([[500.0, -500.0, 500.0, -500.0]], dtype=kind, requires_grad=True)
    feedback_BT = torch.tensor([[0.0, 1.0, 1.0, 0.0]], dtype=torch.float64)
    filtered = forward_filter(extreme_BT, -extreme_BT, feedback_BT, law)
    torch.autograd.backward(filtered.log_likelihood_BT.sum())
    assert filtered.log_likelihood_BT.isfinite().all()
    assert extreme_BT.grad is not None
    assert extreme_BT.grad.isfinite().all()


@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan])
@pytest.mark.parametrize("name", ["stickiness", "accidental"])
def test_a_law_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name} = .*: must lie in \[0, 1\)"):
        ChainLaw(**{name: value})


def test_accidental_feedback_leaves_an_active_play_in_doubt() -> None:
    # One play, s = 1/2, p = 0.3, eps = 0.1: P(attended | active) = 0.15 / (0.15 + 0.05) by hand.
    logits_BT = torch.zeros(1, 1, dtype=torch.float64)
    propensity_BT = torch.full((1, 1), 0.3, dtype=torch.float64).logit()
    filtered = forward_filter(
        logits_BT, propensity_BT, torch.ones(1, 1, dtype=torch.float64), ChainLaw(0.0, 0.1)
    )
    assert filtered.filtered_BT.item() == pytest.approx(0.75)
    assert filtered.log_likelihood_BT.exp().item() == pytest.approx(0.2)
