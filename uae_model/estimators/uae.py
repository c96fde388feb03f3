"""UAE: the paper's estimator, two unbiased risks minimised in turn (Sec. IV, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from uae_model.batches import SessionBatch
from uae_model.config.sections import TrainingSettings
from uae_model.estimators.base import StepMetrics
from uae_model.networks import AttentionNetwork, NetworkShape, PropensityNetwork
from uae_model.ranks import Ranks


@dataclass(frozen=True)
class RiskSums:
    """The two parts of a risk, summed over real plays (not yet divided by their number)."""

    positive: Tensor
    negative: Tensor


def risk_sums(feedback_BT: Tensor, mask_BT: Tensor, logits_BT: Tensor, divisor_BT: Tensor) -> RiskSums:
    """Return the sums of Eq. 16 (or, with attention as divisor, Eq. 17) over real plays.

    positive = sum e / d * l+, negative = sum (1 - e / d) * l-, with the log losses l+ = -log sigmoid(logit)
    and l- = -log(1 - sigmoid(logit)). Padding counts nowhere.

    Args:
        feedback_BT: e, 0 or 1.
        mask_BT: true on real plays.
        logits_BT: of the network that is trained.
        divisor_BT: the other network's probability, floored above 0 and without gradient.
    """
    weight_BT = feedback_BT / divisor_BT
    positive = (weight_BT * softplus(-logits_BT))[mask_BT].sum()
    negative = ((1 - weight_BT) * softplus(logits_BT))[mask_BT].sum()
    return RiskSums(positive, negative)


class UnbiasedAttentionEstimator:
    """Alternates N_a steps on the attention risk and N_p steps on the propensity risk, batch by batch.

    With ``clip_risk`` the negative part of a risk counts only while its mean over the whole batch (all
    ranks) is not below zero, the non-negative clipping of Kiryo et al. 2017 that the paper adopts.
    """

    def __init__(
        self,
        shape: NetworkShape,
        settings: TrainingSettings,
        numeric_mean: tuple[float, ...] = (),
        numeric_deviation: tuple[float, ...] = (),
        device: torch.device | None = None,
    ) -> None:
        self.settings = settings
        self.attention = AttentionNetwork(shape, numeric_mean, numeric_deviation).to(device)
        self.propensity = PropensityNetwork(shape).to(device)
        self._optimizers = {
            "attention": torch.optim.Adam(self.attention.parameters(), lr=settings.learning_rate_attention),
            "propensity": torch.optim.Adam(
                self.propensity.parameters(), lr=settings.learning_rate_propensity
            ),
        }

    def train_step(self, batch: SessionBatch | None, ranks: Ranks) -> StepMetrics:
        """Run one iteration of Algorithm 1 on the union of all ranks' batches.

        Returns:
            Of each network the mean risk over its steps, and the share of its steps that were clamped.
        """
        attention = [self._attention_step(batch, ranks) for _ in range(self.settings.attention_steps)]
        with torch.no_grad():
            attended = self._attend(batch)  # alpha^ and z1 stay fixed while h learns
        propensity = [
            self._propensity_step(batch, attended, ranks) for _ in range(self.settings.propensity_steps)
        ]
        return {**_mean(attention), **_mean(propensity)}

    def state(self) -> dict[str, object]:
        """Return networks and optimisers."""
        return {
            "attention": self.attention.state_dict(),
            "propensity": self.propensity.state_dict(),
            **{f"{name}_optimizer": opt.state_dict() for name, opt in self._optimizers.items()},
        }

    def load_state(self, state: dict[str, object]) -> None:
        """Restore ``state()``."""
        self.attention.load_state_dict(cast("dict[str, Tensor]", state["attention"]))
        self.propensity.load_state_dict(cast("dict[str, Tensor]", state["propensity"]))
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(cast("dict[str, object]", state[f"{name}_optimizer"]))

    def _attend(self, batch: SessionBatch | None) -> tuple[Tensor, Tensor] | None:
        if batch is None:
            return None
        attended: tuple[Tensor, Tensor] = self.attention(batch.categorical_BTF, batch.numeric_BTF)
        return attended

    def _attention_step(self, batch: SessionBatch | None, ranks: Ranks) -> StepMetrics:
        sums = None
        if batch is not None:
            logits_BT, z1_BTH = self.attention(batch.categorical_BTF, batch.numeric_BTF)
            with torch.no_grad():
                propensity_BT = self.propensity(z1_BTH, batch.feedback_BT).sigmoid()
            divisor_BT = propensity_BT.clamp(min=self.settings.probability_floor)
            sums = risk_sums(batch.feedback_BT, batch.mask_BT, logits_BT, divisor_BT)
        return self._minimise("attention", self.attention, sums, batch, ranks)

    def _propensity_step(
        self, batch: SessionBatch | None, attended: tuple[Tensor, Tensor] | None, ranks: Ranks
    ) -> StepMetrics:
        sums = None
        if batch is not None and attended is not None:
            logits_BT, z1_BTH = attended
            divisor_BT = logits_BT.sigmoid().clamp(min=self.settings.probability_floor)
            propensity_logits_BT = self.propensity(z1_BTH, batch.feedback_BT)
            sums = risk_sums(batch.feedback_BT, batch.mask_BT, propensity_logits_BT, divisor_BT)
        return self._minimise("propensity", self.propensity, sums, batch, ranks)

    def _minimise(
        self,
        name: str,
        network: nn.Module,
        sums: RiskSums | None,
        batch: SessionBatch | None,
        ranks: Ranks,
    ) -> StepMetrics:
        """Step one network on the mean risk over all ranks' real plays."""
        local = torch.zeros(3, device=ranks.device)
        if sums is not None and batch is not None:
            local = torch.stack([sums.positive.detach(), sums.negative.detach(), batch.mask_BT.sum().float()])
        positive, negative, plays = ranks.sum(local).tolist()
        clamped = self.settings.clip_risk and negative < 0
        self._optimizers[name].zero_grad(set_to_none=True)
        if sums is not None:
            loss = sums.positive if clamped else sums.positive + sums.negative
            (loss / plays).backward()
        ranks.sum_gradients([network])
        self._optimizers[name].step()
        kept = 0.0 if clamped else negative
        return {f"{name}_risk": (positive + kept) / plays, f"{name}_clamped": float(clamped)}


def _mean(steps: Sequence[StepMetrics]) -> StepMetrics:
    return {name: sum(step[name] for step in steps) / len(steps) for name in steps[0]}
