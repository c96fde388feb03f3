"""SAR-EM: the propensity depends on the play's own features alone (Bekker et al. 2018, 2019)."""

from __future__ import annotations

import torch

from uae_model.estimators.base import Estimator, StepMetrics, bernoulli_loss
from uae_model.models.attention_chain import PAPER_LAW, forward_filter
from uae_model.models.batch import SessionBatch
from uae_model.models.process_group import ProcessGroup


class LocalPropensityEstimator(Estimator):
    """Expectation-maximisation, one gradient step a batch.

    E: the expected attention gamma = e + (1 - e) alpha (1 - p) / (1 - alpha p). M: attention learns gamma;
    the propensity learns e on the plays weighted by gamma.
    """

    name = "sar"
    propensity_kind = "local"

    def train_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        """Take an E step and a gradient step of the M step on both networks."""
        attention_loss = propensity_loss = None
        if batch is not None:
            logits_BT, propensity_BT = self.pair().logits(batch)
            e_BT = batch.feedback_BT
            with torch.no_grad():
                expected_BT = forward_filter(logits_BT, propensity_BT, e_BT, PAPER_LAW).filtered_BT
            attention_loss = bernoulli_loss(expected_BT, logits_BT, batch.mask_BT)
            propensity_loss = bernoulli_loss(e_BT, propensity_BT, batch.mask_BT, expected_BT)
        return {
            **self.minimise(["attention"], "attention_risk", attention_loss, batch, group),
            **self.minimise(["propensity"], "propensity_risk", propensity_loss, batch, group),
        }
