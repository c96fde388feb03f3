"""A trained pair of networks: stored as tensors and plain values, used for prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from uae_model.models.attention_chain import ChainLaw, forward_filter, smooth
from uae_model.models.batch import SessionBatch
from uae_model.models.networks import NetworkShape, build_attention, build_propensity

AttentionKind = Literal["prediction", "filtered", "smoothed"]
"""What a play's attention may rest on: what came before its feedback, its own feedback too, and all
feedback of its session, also the later one."""

ATTENTION_KINDS: tuple[AttentionKind, ...] = get_args(AttentionKind)


@dataclass(frozen=True)
class Traits:
    """What a pair is beside its networks.

    Attributes:
        estimator: the rule that trained it.
        stickiness: rho of the attention chain; 0 where plays are independent given the features.
        accidental: eps of the chain, the probability that an unattended play is active.
        own_attention: the kind of attention that the estimator is meant to be used with.
    """

    estimator: str = "uae"
    stickiness: float = 0.0
    own_attention: AttentionKind = "prediction"
    accidental: float = 0.0

    @property
    def law(self) -> ChainLaw:
        """What the attention chain assumes beside the networks."""
        return ChainLaw(self.stickiness, self.accidental)


@dataclass(frozen=True)
class Prediction:
    """What a pair says of every play of a batch, each of shape (B, T); values at padding mean nothing.

    ``log_likelihood_BT`` is that of the observed feedback given what came before.
    """

    attention: Mapping[AttentionKind, Tensor]
    propensity_BT: Tensor
    log_likelihood_BT: Tensor


@dataclass
class NetworkPair:
    """Both networks of one training run and how they combine.

    ``calibration`` holds, for each kind of attention, a histogram of its logits over the passive plays of the
    validation days, and the counts of plays; ``uae_model.weights.resolution`` finds shifts and factors by it.
    Of a likelihood estimator it also holds ``mean_interval``: the ends of the interval for mean attention.
    """

    shape: NetworkShape
    attention: nn.Module
    propensity: nn.Module
    traits: Traits = Traits()
    calibration: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_state(cls, state: dict[str, Any], device: torch.device | None = None) -> NetworkPair:
        """Rebuild a pair, in evaluation mode, from ``to_state``."""
        shape = NetworkShape.from_dict(state["shape"])
        neutral = [0.0] * shape.numeric, [1.0] * shape.numeric  # replaced by the stored statistics
        attention, propensity = build_attention(shape, *neutral), build_propensity(shape, *neutral)
        attention.load_state_dict(state["attention"])
        propensity.load_state_dict(state["propensity"])
        return cls(
            shape,
            attention.to(device).eval(),
            propensity.to(device).eval(),
            Traits(**state["traits"]),
            state["calibration"],
        )

    def to_state(self) -> dict[str, Any]:
        """Return tensors and plain values, which ``torch.load(weights_only=True)`` reads."""
        return {
            "shape": self.shape.to_dict(),
            "attention": self.attention.state_dict(),
            "propensity": self.propensity.state_dict(),
            "traits": asdict(self.traits),
            "calibration": self.calibration,
        }

    def logits(self, batch: SessionBatch) -> tuple[Tensor, Tensor]:
        """Return the logits of attention (of s_t, for a chain) and of propensity, each (B, T)."""
        logits_BT, state_BTH = self.attention(batch)
        return logits_BT, self.propensity(batch, state_BTH)

    def predict(self, batch: SessionBatch, *kinds: AttentionKind) -> Prediction:
        """Return propensity and these kinds of attention (the estimator's own by default), without gradients.

        The recursions run in float64: what batch a session is in then changes its results by the rounding
        of the networks alone.
        """
        with torch.inference_mode():
            attention_BT, propensity_BT = (logits_BT.double() for logits_BT in self.logits(batch))
            feedback_BT, law = batch.feedback_BT, self.traits.law
            filtered = forward_filter(attention_BT, propensity_BT, feedback_BT, law)
            attention: dict[AttentionKind, Tensor] = {}
            for kind in kinds or (self.traits.own_attention,):
                if kind == "prediction":
                    attention[kind] = filtered.predicted_BT
                elif kind == "filtered":
                    attention[kind] = filtered.filtered_BT
                else:
                    attention[kind] = smooth(
                        attention_BT, propensity_BT, feedback_BT, batch.mask_BT, law, filtered
                    )
            return Prediction(attention, logsigmoid(propensity_BT).exp(), filtered.log_likelihood_BT)
