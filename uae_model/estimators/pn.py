"""PN: every passive play counts as unattended (Eq. 4), so the propensity is 1."""

from __future__ import annotations

from uae_model.estimators.base import Estimator, StepMetrics, bernoulli_loss
from uae_model.models.batch import SessionBatch
from uae_model.models.process_group import ProcessGroup


class NaiveEstimator(Estimator):
    """Learns to predict the feedback and takes that for attention."""

    name = "pn"
    propensity_kind = "certain"

    def train_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        """Step the attention network on the mean of e l+ + (1 - e) l- (Eq. 4)."""
        loss = None
        if batch is not None:
            logits_BT, _ = self.attention(batch)
            loss = bernoulli_loss(batch.feedback_BT, logits_BT, batch.mask_BT)
        return self.minimise(["attention"], "attention_risk", loss, batch, group)
