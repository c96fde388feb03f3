"""EDM: attention decays from the last active play on; nothing of it is learned."""

from __future__ import annotations

from uae_model.estimators.base import Estimator, StepMetrics
from uae_model.estimators.propensity_step import fit_propensity
from uae_model.models.batch import SessionBatch
from uae_model.models.process_group import ProcessGroup


class DecayEstimator(Estimator):
    """The exponential decay of the paper's baseline, in plays (``training.decay_half_life``)."""

    name = "edm"
    attention_kind = "decay"
    propensity_kind = "features"

    def train_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        """Fit the propensity to the decaying attention."""
        return fit_propensity(self, batch, group)
