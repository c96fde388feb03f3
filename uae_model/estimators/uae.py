"""UAE: the paper's estimator, two unbiased risks minimised in turn (Sec. IV, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from uae_model.estimators.base import Estimator, StepMetrics
from uae_model.models.batch import SessionBatch
from uae_model.models.process_group import ProcessGroup


@dataclass(frozen=True)
class RiskSums:
    """The two parts of a risk, summed over real plays (not yet divided by their number)."""

    positive: Tensor
    negative: Tensor


def risk_terms(feedback: Tensor, logits: Tensor, divisor: Tensor) -> tuple[Tensor, Tensor]:
    """Return each play's positive and negative term of Eq. 16 (or, with attention as divisor, Eq. 17).

    positive = e / d * l+ and negative = (1 - e / d) * l-, with the log losses l+ = -log sigmoid(logit) and
    l- = -log(1 - sigmoid(logit)).

    Args:
        feedback: e, 0 or 1, of any shape.
        logits: of the network that is trained.
        divisor: d, the other network's probability, floored above 0 and without gradient.
    """
    weight = feedback / divisor
    return weight * softplus(-logits), (1 - weight) * softplus(logits)


def risk_sums(feedback_BT: Tensor, mask_BT: Tensor, logits_BT: Tensor, divisor_BT: Tensor) -> RiskSums:
    """Return the sums of ``risk_terms`` over real plays; padding, where the mask is false, counts nowhere."""
    positive_BT, negative_BT = risk_terms(feedback_BT, logits_BT, divisor_BT)
    return RiskSums(positive_BT[mask_BT].sum(), negative_BT[mask_BT].sum())


class UnbiasedAttentionEstimator(Estimator):
    """Alternates N_a steps on the attention risk and N_p steps on the propensity risk, batch by batch.

    With ``clip_risk`` the negative part of a risk counts only while its mean over the whole batch (all
    ranks) is not below zero, the non-negative clipping of Kiryo et al. 2017 that the paper adopts. What
    keeps the pair from collapsing (docs/model.md) is optional: the two floors, no clip, feature
    roles, and ``attention_anchor``, which adds strength * (mean alpha^ - anchor)^2 to the attention risk.
    """

    name = "uae"
    takes_roles = True
    pass_number = 0

    @property
    def passes(self) -> int:
        """One, or with ``training.alternate = "pass"`` N_a for the attention and N_p for the propensity."""
        steps = self.settings.attention_steps + self.settings.propensity_steps
        return steps if self.settings.alternate == "pass" else 1

    def start_pass(self, number: int) -> None:
        """Remember which network this pass trains."""
        self.pass_number = number

    def train_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        """Run one iteration of Algorithm 1 on the union of all ranks' batches.

        Returns:
            Of each network the mean risk over its steps, and the share of its steps that were clamped.
        """
        if self.settings.alternate == "pass":
            if self.pass_number < self.settings.attention_steps:
                return self._attention_step(batch, group)
            with torch.no_grad():
                attended = self._attend(batch)
            return self._propensity_step(batch, attended, group)
        attention = [self._attention_step(batch, group) for _ in range(self.settings.attention_steps)]
        with torch.no_grad():
            attended = self._attend(batch)  # alpha^ and z1 stay fixed while h learns
        propensity = [
            self._propensity_step(batch, attended, group) for _ in range(self.settings.propensity_steps)
        ]
        return {**_mean(attention), **_mean(propensity)}

    def _attend(self, batch: SessionBatch | None) -> tuple[Tensor, Tensor] | None:
        if batch is None:
            return None
        attended: tuple[Tensor, Tensor] = self.attention(batch)
        return attended

    def _attention_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        sums = logits_BT = None
        if batch is not None:
            logits_BT, z1_BTH = self.attention(batch)
            with torch.no_grad():
                propensity_BT = self.propensity(batch, z1_BTH).sigmoid()
            divisor_BT = propensity_BT.clamp(min=self.settings.propensity_floor)
            sums = risk_sums(batch.feedback_BT, batch.mask_BT, logits_BT, divisor_BT)
        return self._step_on_risk("attention", sums, logits_BT, batch, group)

    def _propensity_step(
        self, batch: SessionBatch | None, attended: tuple[Tensor, Tensor] | None, group: ProcessGroup
    ) -> StepMetrics:
        sums = None
        if batch is not None and attended is not None:
            logits_BT, z1_BTH = attended
            divisor_BT = logits_BT.sigmoid().clamp(min=self.settings.attention_floor)
            propensity_logits_BT = self.propensity(batch, z1_BTH)
            sums = risk_sums(batch.feedback_BT, batch.mask_BT, propensity_logits_BT, divisor_BT)
        return self._step_on_risk("propensity", sums, None, batch, group)

    def _step_on_risk(
        self,
        name: str,
        sums: RiskSums | None,
        anchored_BT: Tensor | None,
        batch: SessionBatch | None,
        group: ProcessGroup,
    ) -> StepMetrics:
        """Step one network on the mean risk over all ranks' real plays."""
        attention = (
            None if batch is None or anchored_BT is None else anchored_BT.sigmoid()[batch.mask_BT].sum()
        )
        local = torch.zeros(4, device=group.device)
        if sums is not None and batch is not None:
            plays = batch.mask_BT.sum().float()
            attended = torch.zeros_like(plays) if attention is None else attention.detach()
            local = torch.stack([sums.positive.detach(), sums.negative.detach(), plays, attended])
        positive, negative, all_plays, all_attended = group.sum(local).tolist()
        clamped = self.settings.clip_risk and self._clipped_part(positive, negative) < 0
        loss = None
        if sums is not None:
            loss = self._clipped_loss(sums) if clamped else sums.positive + sums.negative
            anchor = self.settings.attention_anchor
            if attention is not None and anchor is not None:
                # The gradient of strength * (mean - anchor)^2, with the mean over all ranks.
                slope = 2 * self.settings.anchor_strength * (all_attended / all_plays - anchor)
                loss = loss + slope * attention
        self._descend([name], loss, all_plays, group)
        risk = positive + negative
        if clamped:
            risk = 0.0 if self.settings.clip_form == "whole" else positive
        return {f"{name}_risk": risk / all_plays, f"{name}_clamped": float(clamped)}

    def _clipped_part(self, positive: float, negative: float) -> float:
        """Return what must not fall below zero."""
        return positive + negative if self.settings.clip_form == "whole" else negative

    def _clipped_loss(self, sums: RiskSums) -> Tensor:
        """Return the loss of a step whose risk, or whose negative part, is below zero."""
        if self.settings.clip_form == "ascent":
            return -sums.negative  # Kiryo et al. 2017, Algorithm 1: up again, until it is not below zero
        if self.settings.clip_form == "whole":
            return 0.0 * (sums.positive + sums.negative)
        return sums.positive


def _mean(steps: Sequence[StepMetrics]) -> StepMetrics:
    return {name: sum(step[name] for step in steps) / len(steps) for name in steps[0]}
