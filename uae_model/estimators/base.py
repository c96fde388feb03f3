"""What training, scoring and the registry need of an estimator, and what all estimators share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from uae_model.config.model_sections import TrainingSettings
from uae_model.models.attention_chain import PAPER_LAW, ChainLaw
from uae_model.models.batch import SessionBatch
from uae_model.models.networks import (
    AttentionNetworkKind,
    NetworkShape,
    PropensityNetworkKind,
    build_attention,
    build_propensity,
)
from uae_model.models.pair import AttentionKind, NetworkPair, Traits
from uae_model.models.process_group import ProcessGroup

StepMetrics = dict[str, float]


class Estimator:
    """A pair of networks and the rule that trains them; a subclass states the rule in ``train_step``.

    A rank that has run out of data passes None to ``train_step``; it takes part in the sums with nothing.
    Losses are means over the real plays of all ranks: padding counts nowhere, and shards may be uneven.
    """

    name: ClassVar[str]
    attention_kind: ClassVar[AttentionNetworkKind] = "gru"
    propensity_kind: ClassVar[PropensityNetworkKind] = "state"
    own_attention: ClassVar[AttentionKind] = "prediction"
    takes_roles: ClassVar[bool] = False
    """Whether ``training.feature_roles`` gives each network the features of its role."""

    def __init__(
        self,
        shape: NetworkShape,
        settings: TrainingSettings,
        numeric_mean: Sequence[float] = (),
        numeric_deviation: Sequence[float] = (),
        device: torch.device | None = None,
        law: ChainLaw = PAPER_LAW,
    ) -> None:
        self.settings = settings
        self.shape = self.shape_for(shape, settings)
        self.traits = Traits(self.name, law.stickiness, self.own_attention, law.accidental)
        statistics = (numeric_mean, numeric_deviation)
        self.attention: nn.Module = build_attention(self.shape, *statistics).to(device)
        self.propensity: nn.Module = build_propensity(self.shape, *statistics).to(device)
        self._optimizers: dict[str, torch.optim.Adam | None] = {
            "attention": _adam(self.attention, settings.learning_rate_attention, settings.weight_decay),
            "propensity": _adam(self.propensity, settings.learning_rate_propensity, settings.weight_decay),
        }

    @classmethod
    def shape_for(cls, shape: NetworkShape, settings: TrainingSettings) -> NetworkShape:
        """Return the shape with the networks that this estimator trains, and what each of them sees."""
        if cls.takes_roles and settings.feature_roles:
            return shape.with_kinds(cls.attention_kind, "features")
        seeing_all = replace(shape, attention_inputs=None, propensity_inputs=None)
        return seeing_all.with_kinds(cls.attention_kind, cls.propensity_kind)

    def start_at(self, active_rate: float) -> None:
        """Let the networks start where the mean of their product is P(e = 1); here they keep their draw."""

    def pair(self) -> NetworkPair:
        """Return the networks as they are now."""
        return NetworkPair(self.shape, self.attention, self.propensity, self.traits)

    @property
    def passes(self) -> int:
        """How often an epoch goes over the training sessions."""
        return 1

    def start_pass(self, number: int) -> None:
        """Be told that this pass of an epoch begins, from 0."""

    def train_step(self, batch: SessionBatch | None, group: ProcessGroup) -> StepMetrics:
        """Take one training step on the union of all ranks' batches; return the step's metrics."""
        raise TypeError(f"{type(self).__name__} states no training step")

    def scale_learning_rates(self, factor: float) -> None:
        """Set both learning rates to this multiple of the configured ones."""
        for name, optimizer in self._optimizers.items():
            if optimizer:
                for group in optimizer.param_groups:
                    group["lr"] = factor * getattr(self.settings, f"learning_rate_{name}")

    def state(self) -> dict[str, object]:
        """Return everything a resumed run needs, tensors and plain values only."""
        return {
            "attention": self.attention.state_dict(),
            "propensity": self.propensity.state_dict(),
            **{f"{name}_optimizer": opt.state_dict() for name, opt in self._optimizers.items() if opt},
        }

    def load_state(self, state: dict[str, object]) -> None:
        """Restore ``state()``."""
        self.attention.load_state_dict(cast("dict[str, Tensor]", state["attention"]))
        self.propensity.load_state_dict(cast("dict[str, Tensor]", state["propensity"]))
        for name, optimizer in self._optimizers.items():
            if optimizer:
                optimizer.load_state_dict(cast("dict[str, object]", state[f"{name}_optimizer"]))

    def _descend(self, names: Sequence[str], loss: Tensor | None, plays: float, group: ProcessGroup) -> None:
        """Step these networks on the sum over all ranks of ``loss``, divided by the plays of all ranks."""
        optimizers = [optimizer for name in names if (optimizer := self._optimizers[name])]
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        if loss is not None:
            (loss / plays).backward()  # type: ignore[no-untyped-call]
        group.sum_gradients([getattr(self, name) for name in names])
        for optimizer in optimizers:
            optimizer.step()

    def minimise(
        self,
        names: Sequence[str],
        metric: str,
        loss: Tensor | None,
        batch: SessionBatch | None,
        group: ProcessGroup,
    ) -> StepMetrics:
        """Step these networks on a loss summed over this rank's real plays; return its mean over all."""
        local = torch.zeros(2, device=group.device)
        if loss is not None and batch is not None:
            local = torch.stack([loss.detach(), batch.mask_BT.sum().to(loss.dtype)])
        total, plays = group.sum(local).tolist()
        self._descend(names, loss, plays, group)
        return {metric: total / plays}


def bernoulli_loss(
    target_BT: Tensor, logits_BT: Tensor, mask_BT: Tensor, weight_BT: Tensor | float = 1.0
) -> Tensor:
    """Return sum weight [ target l+ + (1 - target) l- ] over real plays, with the logits' log losses."""
    loss_BT = target_BT * softplus(-logits_BT) + (1 - target_BT) * softplus(logits_BT)
    return (weight_BT * loss_BT)[mask_BT].sum()


def _adam(network: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.Adam | None:
    """Return the optimiser of a network, None where it has nothing to learn."""
    parameters = list(network.parameters())
    return torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay) if parameters else None
