"""The propensity beside an attention that a baseline fixes by itself."""

from __future__ import annotations

import torch

from uae_model.estimators.base import Estimator, StepMetrics
from uae_model.estimators.joint import negative_log_likelihood
from uae_model.models.attention_chain import PAPER_LAW
from uae_model.models.batch import SessionBatch
from uae_model.models.process_group import ProcessGroup


def fit_propensity(estimator: Estimator, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
    """Step the propensity network on the likelihood e ~ Bernoulli(alpha p) with attention held fixed.

    EDM and NDB say nothing of propensity; this is the one that explains the feedback best beside their
    attention, so that they too register both models and have a held-out likelihood to be compared by.
    """
    loss = None
    if batch is not None:
        with torch.no_grad():
            logits_BT, state_BTH = estimator.attention(batch)
        propensity_BT = estimator.propensity(batch, state_BTH)
        loss = negative_log_likelihood(logits_BT, propensity_BT, batch, PAPER_LAW)
    return estimator.minimise(["propensity"], "propensity_nll", loss, batch, group)
