"""What training, scoring and the registry need of an estimator."""

from __future__ import annotations

from typing import Protocol

from uae_model.batches import SessionBatch
from uae_model.networks import AttentionNetwork, PropensityNetwork
from uae_model.ranks import Ranks

StepMetrics = dict[str, float]


class Estimator(Protocol):
    """A pair of networks and the rule that trains them."""

    attention: AttentionNetwork
    propensity: PropensityNetwork

    def train_step(self, batch: SessionBatch | None, ranks: Ranks) -> StepMetrics:
        """Take one training step on the union of all ranks' batches.

        A rank that has run out of data passes None; it takes part in the sums with nothing.
        """
        ...

    def state(self) -> dict[str, object]:
        """Return everything a resumed run needs, tensors and plain values only."""
        ...

    def load_state(self, state: dict[str, object]) -> None:
        """Restore ``state()``."""
        ...
