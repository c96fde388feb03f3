"""Joint likelihood: both networks trained on e ~ Bernoulli(alpha p) at once (Eq. 9)."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from uae_model.config.model_sections import TrainingSettings
from uae_model.estimators.base import Estimator, StepMetrics
from uae_model.models.attention_chain import forward_filter
from uae_model.models.batch import SessionBatch
from uae_model.models.networks import NetworkShape
from uae_model.models.process_group import ProcessGroup


def negative_log_likelihood(
    attention_logits_BT: Tensor,
    propensity_logits_BT: Tensor,
    batch: SessionBatch,
    stickiness: float,
) -> Tensor:
    """Return -log P(e_1 .. e_T | X) summed over the sessions, exact, of the chain with this stickiness."""
    filtered = forward_filter(attention_logits_BT, propensity_logits_BT, batch.feedback_BT, stickiness)
    return -filtered.log_likelihood_BT[batch.mask_BT].sum()


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

    def train_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        """Step both networks on the mean negative log-likelihood of the feedback."""
        loss = None
        if batch is not None:
            loss = negative_log_likelihood(*self.pair().logits(batch), batch, self.traits.stickiness)
        return self.minimise(["attention", "propensity"], "nll", loss, batch, group)
