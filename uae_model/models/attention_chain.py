"""Attention as a two-state Markov chain that is observed through feedback: exact filter and smoother.

The model (docs/model.md): s_t = sigmoid(g(x_t)) is the attention that a fresh look at the context
would give; attention sticks with probability rho; an unattended play is active by accident with
probability eps (a phone in a pocket), which is 0 in the paper,

    P(a_t = 1 | a_{t-1}) = rho a_{t-1} + (1 - rho) s_t,     P(a_1 = 1) = s_1,
    P(e_t = 1 | a_t = 1) = p_t,                             P(e_t = 1 | a_t = 0) = eps.

With rho = 0 the plays are independent given X; with eps = 0, too, e ~ Bernoulli(s p), the paper's Eq. 9.
All recursions run over T steps on probabilities that sum to one at each step, so none leaves the range of
floats; shape suffixes: B sessions, T padded steps. Inside, time comes first (TB): a step is then one block
of memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LARGEST_LOGIT = 30.0
"""Logits are held within this distance of 0: 1e-13 is as good as certain, and products of three such
probabilities still lie within the range of float32."""


@dataclass(frozen=True)
class ChainLaw:
    """What the chain assumes beside its two networks.

    Attributes:
        stickiness: rho, from 0 to below 1.
        accidental: eps, P(active | not attended), from 0 to below 1.
    """

    stickiness: float = 0.0
    accidental: float = 0.0

    def __post_init__(self) -> None:
        for name in ("stickiness", "accidental"):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise ValueError(f"{name} = {value}: must lie in [0, 1)")


PAPER_LAW = ChainLaw()
"""Plays are independent given their features, and unattended ones are never active (Eq. 8 and 9)."""


@dataclass(frozen=True)
class Filtered:
    """The forward pass: P(a_t = 1 | .) before and after e_t is seen, and P(a_t = 0 | .) after it.

    ``log_likelihood_BT`` is log P(e_t | e_1 .. e_{t-1}, X); its sum over a session is the exact likelihood.
    It alone carries a gradient.
    """

    predicted_BT: Tensor
    filtered_BT: Tensor
    filtered_not_BT: Tensor
    log_likelihood_BT: Tensor


def forward_filter(
    attention_logits_BT: Tensor, propensity_logits_BT: Tensor, feedback_BT: Tensor, law: ChainLaw
) -> Filtered:
    """Run the chain forward; its log-likelihood is differentiable in both logits.

    Padding may hold anything finite: no step sees what follows it.

    Args:
        attention_logits_BT: of s_t.
        propensity_logits_BT: of p_t.
        feedback_BT: e_t, 0 or 1.
        law: rho and eps.
    """
    outputs = _Forward.apply(attention_logits_BT, propensity_logits_BT, feedback_BT, law)  # type: ignore[no-untyped-call]
    return Filtered(*outputs)


def smooth(
    attention_logits_BT: Tensor,
    propensity_logits_BT: Tensor,
    feedback_BT: Tensor,
    mask_BT: Tensor,
    law: ChainLaw,
    filtered: Filtered,
) -> Tensor:
    """Return P(a_t = 1 | e_1 .. e_T, X), the attention given everything that came before AND after.

    The backward half of forward-backward: P(e_{t+1} .. e_T | a_t) up to a factor, for both states.

    Args:
        attention_logits_BT: of s_t.
        propensity_logits_BT: of p_t.
        feedback_BT: e_t, 0 or 1.
        mask_BT: true on real plays; what follows a session's last play must not count.
        law: rho and eps.
        filtered: the result of ``forward_filter`` on the same arguments.
    """
    rho = law.stickiness
    if rho == 0.0:
        return filtered.filtered_BT
    s_TB, not_s_TB, seen_on_TB, seen_off_TB = _probabilities(
        attention_logits_BT, propensity_logits_BT, feedback_BT, law
    )[:4]
    fresh_TB, fresh_not_TB = (1 - rho) * s_TB, (1 - rho) * not_s_TB
    yes_TB, no_TB, mask_TB = filtered.filtered_BT.T, filtered.filtered_not_BT.T, mask_BT.T
    on_B = off_B = torch.full_like(s_TB[0], 0.5)
    smoothed: list[Tensor] = []
    for t in range(len(s_TB) - 1, -1, -1):
        on_too_B = yes_TB[t] * on_B
        smoothed.append(on_too_B / (on_too_B + no_TB[t] * off_B))
        now_on_B, now_off_B = seen_on_TB[t] * on_B, seen_off_TB[t] * off_B
        renewed_B = fresh_TB[t] * now_on_B + fresh_not_TB[t] * now_off_B
        from_on_B, from_off_B = rho * now_on_B + renewed_B, rho * now_off_B + renewed_B
        both_B = from_on_B + from_off_B
        on_B = torch.where(mask_TB[t], from_on_B / both_B, 0.5)
        off_B = torch.where(mask_TB[t], from_off_B / both_B, 0.5)
    return torch.stack(smoothed[::-1], dim=1)


def _probabilities(
    attention_logits_BT: Tensor, propensity_logits_BT: Tensor, feedback_BT: Tensor, law: ChainLaw
) -> tuple[Tensor, ...]:
    """Return s, 1 - s, P(e_t | a_t = 1), P(e_t | a_t = 0), p, 1 - p and where e_t = 1, each (T, B)."""
    logits_TB, propensity_logits_TB = (
        logits_BT.T.contiguous().clamp(-LARGEST_LOGIT, LARGEST_LOGIT)
        for logits_BT in (attention_logits_BT, propensity_logits_BT)
    )
    active_TB = feedback_BT.T.contiguous() > 0
    # Both sides from the logits: 1 - s would lose its digits where s is close to 1.
    s_TB, not_s_TB = logits_TB.sigmoid(), (-logits_TB).sigmoid()
    p_TB, not_p_TB = propensity_logits_TB.sigmoid(), (-propensity_logits_TB).sigmoid()
    seen_off_TB = torch.full_like(s_TB, 1 - law.accidental).masked_fill(active_TB, law.accidental)
    return s_TB, not_s_TB, torch.where(active_TB, p_TB, not_p_TB), seen_off_TB, p_TB, not_p_TB, active_TB


class _Forward(torch.autograd.Function):
    """The forward recursion with its gradient by hand: autograd's own graph of T steps costs ten times more.

    With m = P(a_t = 1 | past), u and v the probabilities of e_t in both states and L = m u + (1 - m) v,
    the filtered attention is f = m u / L and the next m is rho f + (1 - rho) s. Backwards, with G_t the
    gradient at log L_t, that at m_t is M_t = G_t (u - v) / L + (u v / L^2) rho M_{t+1}.
    """

    @staticmethod
    def forward(
        ctx: Any,
        attention_logits_BT: Tensor,
        propensity_logits_BT: Tensor,
        feedback_BT: Tensor,
        law: ChainLaw,
    ) -> tuple[Tensor, ...]:
        s_TB, not_s_TB, on_TB, off_TB, p_TB, not_p_TB, active_TB = _probabilities(
            attention_logits_BT, propensity_logits_BT, feedback_BT, law
        )
        rho = law.stickiness
        if rho == 0.0:
            m_TB, not_m_TB = s_TB, not_s_TB
            seen_TB = m_TB * on_TB + not_m_TB * off_TB
            f_TB, not_f_TB = m_TB * on_TB / seen_TB, not_m_TB * off_TB / seen_TB
        else:
            m_TB, not_m_TB = (1 - rho) * s_TB, (1 - rho) * not_s_TB
            m_TB[0], not_m_TB[0] = s_TB[0], not_s_TB[0]
            seen_TB, f_TB, not_f_TB = (torch.empty_like(s_TB) for _ in range(3))
            for t in range(len(s_TB)):
                if t:
                    m_TB[t].add_(f_TB[t - 1], alpha=rho)
                    not_m_TB[t].add_(not_f_TB[t - 1], alpha=rho)
                torch.mul(m_TB[t], on_TB[t], out=f_TB[t])
                torch.mul(not_m_TB[t], off_TB[t], out=not_f_TB[t])
                torch.add(f_TB[t], not_f_TB[t], out=seen_TB[t])
                f_TB[t].div_(seen_TB[t])
                not_f_TB[t].div_(seen_TB[t])
        ctx.save_for_backward(
            s_TB, not_s_TB, p_TB, not_p_TB, on_TB, off_TB, active_TB, m_TB, not_m_TB, seen_TB
        )
        ctx.rho = rho
        outputs = tuple(values_TB.T.contiguous() for values_TB in (m_TB, f_TB, not_f_TB))
        ctx.mark_non_differentiable(*outputs)
        return (*outputs, seen_TB.log().T.contiguous())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients_BT: Tensor) -> tuple[Tensor | None, ...]:
        s_TB, not_s_TB, p_TB, not_p_TB, on_TB, off_TB, active_TB, m_TB, not_m_TB, seen_TB = ctx.saved_tensors
        rho = ctx.rho
        gradient_TB = gradients_BT[-1].T.contiguous() / seen_TB
        at_m_TB = gradient_TB * (on_TB - off_TB)
        if rho:
            carried_TB = rho * (on_TB / seen_TB) * (off_TB / seen_TB)
            for t in range(len(s_TB) - 2, -1, -1):
                at_m_TB[t].addcmul_(carried_TB[t], at_m_TB[t + 1])
        at_on_TB = gradient_TB * m_TB
        if rho:
            at_on_TB[:-1] += (rho * (m_TB / seen_TB) * (not_m_TB * off_TB / seen_TB))[:-1] * at_m_TB[1:]
        at_s_TB = at_m_TB * s_TB * not_s_TB
        at_s_TB[1:] *= 1 - rho
        at_p_TB = torch.where(active_TB, at_on_TB, -at_on_TB) * p_TB * not_p_TB
        return at_s_TB.T, at_p_TB.T, None, None
