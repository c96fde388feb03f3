"""NDB: only plays after a long passive run count as unattended (Eq. 5)."""

from __future__ import annotations

import torch
from torch import Tensor

from uae_model.estimators.base import Estimator, StepMetrics, bernoulli_loss
from uae_model.estimators.propensity_step import fit_propensity
from uae_model.models.batch import SessionBatch
from uae_model.models.process_group import ProcessGroup

PASSIVE_RUN = 10
"""d = 1 iff the last ten plays were all passive."""


def after_passive_run(feedback_BT: Tensor, run: int = PASSIVE_RUN) -> Tensor:
    """Return d_BT: true where the ``run`` plays before a play exist and were all passive."""
    step_T = torch.arange(feedback_BT.shape[1], device=feedback_BT.device)
    active_BT = feedback_BT.cumsum(dim=1)
    before_BT = torch.cat([torch.zeros_like(active_BT[:, :1]), active_BT[:, :-1]], dim=1)
    start_T = (step_T - run).clamp(min=0)
    return (step_T >= run) & (before_BT - before_BT[:, start_T] == 0)


class NegativeSamplingEstimator(Estimator):
    """Learns attention from active plays against plays that followed ten passive ones."""

    name = "ndb"
    propensity_kind = "features"

    def train_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        """Step attention on the mean of e l+ + d (1 - e) l- (Eq. 5), then the propensity beside it."""
        loss = None
        if batch is not None:
            logits_BT, _ = self.attention(batch)
            counts_BT = (batch.feedback_BT > 0) | after_passive_run(batch.feedback_BT)
            loss = bernoulli_loss(batch.feedback_BT, logits_BT, batch.mask_BT & counts_BT)
        metrics = self.minimise(["attention"], "attention_risk", loss, batch, group)
        return {**metrics, **fit_propensity(self, batch, group)}
