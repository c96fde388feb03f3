"""A trained pair of networks: stored as tensors and plain values, used for prediction."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from uae_model.batches import SessionBatch
from uae_model.networks import AttentionNetwork, NetworkShape, PropensityNetwork


class HasNetworks(Protocol):
    """Anything with both networks."""

    attention: AttentionNetwork
    propensity: PropensityNetwork


class NetworkPair:
    """Both networks of one training run, in evaluation mode."""

    def __init__(
        self, shape: NetworkShape, attention: AttentionNetwork, propensity: PropensityNetwork
    ) -> None:
        self.shape = shape
        self.attention = attention
        self.propensity = propensity

    @classmethod
    def of(cls, trained: HasNetworks, shape: NetworkShape) -> NetworkPair:
        """Wrap the networks of an estimator."""
        return cls(shape, trained.attention, trained.propensity)

    @classmethod
    def from_state(cls, state: dict[str, Any], device: torch.device | None = None) -> NetworkPair:
        """Rebuild a pair from ``to_state``."""
        shape = NetworkShape.from_dict(state["shape"])
        neutral = [0.0] * shape.numeric, [1.0] * shape.numeric  # replaced by the stored statistics
        attention = AttentionNetwork(shape, *neutral)
        attention.load_state_dict(state["attention"])
        propensity = PropensityNetwork(shape)
        propensity.load_state_dict(state["propensity"])
        return cls(shape, attention.to(device).eval(), propensity.to(device).eval())

    def to_state(self) -> dict[str, Any]:
        """Return tensors and plain values, which ``torch.load(weights_only=True)`` reads."""
        return {
            "shape": self.shape.to_dict(),
            "attention": self.attention.state_dict(),
            "propensity": self.propensity.state_dict(),
        }

    def predict(self, batch: SessionBatch) -> tuple[Tensor, Tensor]:
        """Return attention_BT and propensity_BT, without gradients."""
        with torch.inference_mode():
            logits_BT, z1_BTH = self.attention(batch.categorical_BTF, batch.numeric_BTF)
            return logits_BT.sigmoid(), self.propensity(z1_BTH, batch.feedback_BT).sigmoid()
