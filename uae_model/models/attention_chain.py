"""Attention as a two-state Markov chain that is observed through feedback: exact filter and smoother.

The model (docs/model.md): s_t = sigmoid(g(x_t)) is the attention that a fresh look at the context
would give; attention sticks with probability rho,

    P(a_t = 1 | a_{t-1}) = rho a_{t-1} + (1 - rho) s_t,     P(a_1 = 1) = s_1,
    P(e_t = 1 | a_t = 1) = p_t,                             P(e_t = 1 | a_t = 0) = 0.

With rho = 0 the plays are independent given X: e ~ Bernoulli(s p), the paper's Eq. 9.
All recursions run in log space over T steps; shape suffixes: B sessions, T padded steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

IMPOSSIBLE = -math.inf


@dataclass(frozen=True)
class Filtered:
    """The forward pass: log P(a_t = 1 | .) and log P(a_t = 0 | .), before and after e_t is seen.

    ``log_likelihood_BT`` is log P(e_t | e_1 .. e_{t-1}, X); its sum over a session is the exact likelihood.
    """

    log_predicted_BT: Tensor
    log_filtered_BT: Tensor
    log_filtered_not_BT: Tensor
    log_likelihood_BT: Tensor


def forward_filter(
    attention_logits_BT: Tensor, propensity_logits_BT: Tensor, feedback_BT: Tensor, stickiness: float
) -> Filtered:
    """Run the chain forward; differentiable in both logits.

    Padding may hold anything finite: no step sees what follows it.

    Args:
        attention_logits_BT: of s_t.
        propensity_logits_BT: of p_t.
        feedback_BT: e_t, 0 or 1.
        stickiness: rho, from 0 to below 1.

    Raises:
        ValueError: if the stickiness is out of range.
    """
    _require_stickiness(stickiness)
    log_s_BT, log_not_s_BT = logsigmoid(attention_logits_BT), logsigmoid(-attention_logits_BT)
    log_p_BT, log_not_p_BT = logsigmoid(propensity_logits_BT), logsigmoid(-propensity_logits_BT)
    active_BT = feedback_BT > 0
    if stickiness == 0.0:
        return _independent(log_s_BT, log_not_s_BT, log_p_BT, log_not_p_BT, active_BT)
    log_stay, log_fresh = math.log(stickiness), math.log1p(-stickiness)
    nothing_B = torch.zeros_like(log_s_BT[:, 0])
    impossible_B = torch.full_like(nothing_B, IMPOSSIBLE)
    steps: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for t in range(log_s_BT.shape[1]):
        predicted_B, predicted_not_B = log_s_BT[:, t], log_not_s_BT[:, t]
        if steps:
            _, filtered_B, filtered_not_B, _ = steps[-1]
            predicted_B = torch.logaddexp(log_stay + filtered_B, log_fresh + predicted_B)
            predicted_not_B = torch.logaddexp(log_stay + filtered_not_B, log_fresh + predicted_not_B)
        silent_B = predicted_B + log_not_p_BT[:, t]  # attended, yet no feedback
        passive_B = torch.logaddexp(silent_B, predicted_not_B)
        active_B = active_BT[:, t]
        steps.append(
            (
                predicted_B,
                torch.where(active_B, nothing_B, silent_B - passive_B),
                torch.where(active_B, impossible_B, predicted_not_B - passive_B),
                torch.where(active_B, predicted_B + log_p_BT[:, t], passive_B),
            )
        )
    stacked = [torch.stack(column, dim=1) for column in zip(*steps, strict=True)]
    return Filtered(*stacked)


def smooth(
    attention_logits_BT: Tensor,
    propensity_logits_BT: Tensor,
    feedback_BT: Tensor,
    mask_BT: Tensor,
    stickiness: float,
    filtered: Filtered,
) -> Tensor:
    """Return P(a_t = 1 | e_1 .. e_T, X), the attention given everything that came before AND after.

    The backward half of forward-backward: log P(e_{t+1} .. e_T | a_t) up to a constant, for both states.

    Args:
        attention_logits_BT: of s_t.
        propensity_logits_BT: of p_t.
        feedback_BT: e_t, 0 or 1.
        mask_BT: true on real plays; what follows a session's last play must not count.
        stickiness: rho.
        filtered: the result of ``forward_filter`` on the same arguments.
    """
    _require_stickiness(stickiness)
    if stickiness == 0.0:
        return filtered.log_filtered_BT.exp()
    log_s_BT, log_not_s_BT = logsigmoid(attention_logits_BT), logsigmoid(-attention_logits_BT)
    log_p_BT, log_not_p_BT = logsigmoid(propensity_logits_BT), logsigmoid(-propensity_logits_BT)
    active_BT = feedback_BT > 0
    log_fresh = math.log1p(-stickiness)
    log_stay = torch.full_like(log_s_BT, math.log(stickiness))
    # log P(a_t = . | a_{t-1} = .): stays where it was, or drawn afresh.
    on_on_BT, off_off_BT = (
        torch.logaddexp(log_stay, log_fresh + log_s_BT),
        torch.logaddexp(log_stay, log_fresh + log_not_s_BT),
    )
    off_on_BT, on_off_BT = log_fresh + log_s_BT, log_fresh + log_not_s_BT
    seen_on_BT = torch.where(active_BT, log_p_BT, log_not_p_BT)
    seen_off_BT = torch.where(active_BT, IMPOSSIBLE, 0.0)
    on_B = off_B = torch.zeros_like(log_s_BT[:, 0])
    smoothed: list[Tensor] = []
    for t in range(log_s_BT.shape[1] - 1, -1, -1):
        odds_B = filtered.log_filtered_BT[:, t] + on_B - filtered.log_filtered_not_BT[:, t] - off_B
        smoothed.append(odds_B.sigmoid())
        now_on_B, now_off_B = seen_on_BT[:, t] + on_B, seen_off_BT[:, t] + off_B
        from_on_B = torch.logaddexp(on_on_BT[:, t] + now_on_B, on_off_BT[:, t] + now_off_B)
        from_off_B = torch.logaddexp(off_on_BT[:, t] + now_on_B, off_off_BT[:, t] + now_off_B)
        larger_B = torch.maximum(from_on_B, from_off_B)  # keeps long sessions within the range of floats
        real_B = mask_BT[:, t]
        on_B = torch.where(real_B, from_on_B - larger_B, 0.0)
        off_B = torch.where(real_B, from_off_B - larger_B, 0.0)
    return torch.stack(smoothed[::-1], dim=1)


def _independent(
    log_s_BT: Tensor, log_not_s_BT: Tensor, log_p_BT: Tensor, log_not_p_BT: Tensor, active_BT: Tensor
) -> Filtered:
    """Return the filter for rho = 0: the one-step posterior s (1 - p) / (1 - s p) of a passive play."""
    silent_BT = log_s_BT + log_not_p_BT
    passive_BT = torch.logaddexp(silent_BT, log_not_s_BT)
    return Filtered(
        log_s_BT,
        torch.where(active_BT, 0.0, silent_BT - passive_BT),
        torch.where(active_BT, IMPOSSIBLE, log_not_s_BT - passive_BT),
        torch.where(active_BT, log_s_BT + log_p_BT, passive_BT),
    )


def _require_stickiness(stickiness: float) -> None:
    if not 0.0 <= stickiness < 1.0:
        raise ValueError(f"stickiness = {stickiness}: must lie in [0, 1)")
