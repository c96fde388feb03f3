"""Joint likelihood: both networks trained on e ~ Bernoulli(alpha p) at once (Eq. 9)."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor, nn

from uae_model.config.model_sections import TrainingSettings
from uae_model.estimators.base import Estimator, StepMetrics
from uae_model.models.attention_chain import ChainLaw, forward_filter
from uae_model.models.batch import SessionBatch
from uae_model.models.networks import NetworkShape
from uae_model.models.process_group import ProcessGroup


def negative_log_likelihood(
    attention_logits_BT: Tensor,
    propensity_logits_BT: Tensor,
    batch: SessionBatch,
    law: ChainLaw,
) -> Tensor:
    """Return -log P(e_1 .. e_T | X) summed over the sessions, exact, of the chain with this law."""
    filtered = forward_filter(attention_logits_BT, propensity_logits_BT, batch.feedback_BT, law)
    return -filtered.log_likelihood_BT[batch.mask_BT].sum()


START_ATTENTION = 0.4
LARGEST_START, SMALLEST_START = 0.95, 0.01
"""Mean attention at the start, and the bounds of a propensity."""


class JointEstimator(Estimator):
    """Maximises the likelihood of the feedback with plays that are independent given their features.

    Only the product alpha p is identified where both networks see the same features: with
    ``training.feature_roles`` each sees those of its role. A passive play's attention is the one-step
    posterior alpha (1 - p) / (1 - alpha p).
    """

    name = "joint"
    propensity_kind = "features"
    own_attention = "smoothed"
    takes_roles = True

    @classmethod
    def shape_for(cls, shape: NetworkShape, settings: TrainingSettings) -> NetworkShape:
        """Return networks of which attention is the one that ``network.chain_context`` names."""
        return replace(super().shape_for(shape, settings), attention=shape.chain_context)

    def start_at(self, active_rate: float) -> None:
        """Start both networks at base rates: attention at 0.4, propensity at the rate that is then left.

        At a draw around 1/2 each, the product starts at 1/4: three times the usual rate. The first steps
        then push both down alike, and which of them ends where depends on their speed (docs/model.md).
        """
        law = self.traits.law
        attention = max(START_ATTENTION, active_rate / LARGEST_START)
        attended_active = active_rate - (1 - attention) * law.accidental
        propensity = max(attended_active / attention, SMALLEST_START)
        for network, mean in ((self.attention, attention), (self.propensity, propensity)):
            last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
            nn.init.constant_(last.bias, math.log(mean / (1 - mean)))

    def train_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        """Step both networks on the mean negative log-likelihood of the feedback."""
        loss = None
        if batch is not None:
            loss = negative_log_likelihood(*self.pair().logits(batch), batch, self.traits.law)
        return self.minimise(["attention", "propensity"], "nll", loss, batch, group)
