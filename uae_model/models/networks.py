"""The attention networks g and the propensity networks h (paper, Sec. IV-B, right part of Fig. 4).

``NetworkShape`` says which of them a model has: the paper's pair shares the state z1, the likelihood
estimators give each network features of its own, the baselines use simpler ones.

Shape suffixes: B sessions, T padded steps, F features, H hidden units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from uae_model.models.batch import SessionBatch

AttentionNetworkKind = Literal["gru", "step", "decay"]
PropensityNetworkKind = Literal["state", "features", "local", "certain"]


@dataclass(frozen=True)
class Inputs:
    """The features that one network sees: indices into the categorical and the numeric columns."""

    categorical: tuple[int, ...]
    numeric: tuple[int, ...]


@dataclass(frozen=True)
class NetworkShape:
    """Everything that fixes the form of the networks; stored beside their weights.

    Attributes:
        buckets: hash buckets of each categorical feature, without the one for missing values.
        numeric: number of numeric features.
        embedding: width of each embedding.
        hidden: width of the state of GRU1.
        mlp: hidden layers of each MLP.
        feedback_hidden: width of the state of GRU2, which reads the feedback; 0: as ``hidden``.
        attention: ``gru`` (Eq. 2) reads all features so far, ``step`` those of the play alone, ``decay`` is
            the rule of EDM.
        propensity: ``state`` reads z1 and the feedback (Eq. 12); ``features`` has an encoder of its own
            beside the feedback; ``local`` sees the play's features alone (SAR); ``certain`` is 1 (PN).
        attention_inputs: what g sees; None: everything.
        propensity_inputs: what the encoder of h sees; None: everything.
        half_life: plays after which attention has halved, of ``decay``.
        chain_context: which of ``step`` and ``gru`` the likelihood estimators take for attention.
        numeric_boundaries: for each numeric feature, where the transform quantile cuts, rising; () for the
            others, and no entry at all without that transform.
    """

    buckets: tuple[int, ...]
    numeric: int
    embedding: int
    hidden: int
    mlp: tuple[int, ...]
    feedback_hidden: int = 0
    attention: AttentionNetworkKind = "gru"
    propensity: PropensityNetworkKind = "state"
    attention_inputs: Inputs | None = None
    propensity_inputs: Inputs | None = None
    half_life: float = 5.0
    chain_context: AttentionNetworkKind = "step"
    numeric_boundaries: tuple[tuple[float, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the shape as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> NetworkShape:
        """Rebuild a shape from ``to_dict``."""
        read: dict[str, Any] = {**content, "buckets": tuple(content["buckets"]), "mlp": tuple(content["mlp"])}
        read["numeric_boundaries"] = tuple(map(tuple, content.get("numeric_boundaries", ())))
        for name in ("attention_inputs", "propensity_inputs"):
            inputs = content.get(name)
            if inputs is not None:
                read[name] = Inputs(tuple(inputs["categorical"]), tuple(inputs["numeric"]))
        return cls(**read)

    def with_kinds(self, attention: AttentionNetworkKind, propensity: PropensityNetworkKind) -> NetworkShape:
        """Return the shape with other kinds of networks."""
        return replace(self, attention=attention, propensity=propensity)

    def everything(self) -> Inputs:
        """Return the inputs of a network that sees all features."""
        return Inputs(tuple(range(len(self.buckets))), tuple(range(self.numeric)))


class FeatureEncoder(nn.Module):
    """Embeds the categorical features, cuts numeric ones into quantiles where asked, and standardises them.

    All embeddings lie in one table with an offset per feature: one look-up instead of F.
    """

    offsets: Tensor
    numeric_mean: Tensor
    numeric_deviation: Tensor
    boundaries_FK: Tensor

    def __init__(
        self,
        shape: NetworkShape,
        numeric_mean: Sequence[float],
        numeric_deviation: Sequence[float],
        inputs: Inputs | None = None,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        seen = inputs or shape.everything()
        rows = [shape.buckets[index] + 1 for index in seen.categorical]  # bucket 0: missing
        offsets = torch.tensor([0, *rows][: len(rows)], dtype=torch.int64).cumsum(0)
        self.table = nn.Embedding(max(1, sum(rows)), shape.embedding)
        nn.init.normal_(self.table.weight, std=0.1)
        self.register_buffer("offsets", offsets)
        for name, values in (("numeric_mean", numeric_mean), ("numeric_deviation", numeric_deviation)):
            chosen = [values[index] for index in seen.numeric]
            self.register_buffer(name, torch.tensor(chosen, dtype=torch.float32))
        chosen_boundaries = [shape.numeric_boundaries[i] for i in seen.numeric if shape.numeric_boundaries]
        # The shape carries the boundaries, so the stored weights need not.
        self.register_buffer("boundaries_FK", padded_boundaries(chosen_boundaries), persistent=False)
        self.width = len(rows) * shape.embedding + len(seen.numeric)

    def forward(self, categorical_BTF: Tensor, numeric_BTF: Tensor) -> Tensor:
        """Return x_BTF of ``width`` columns; a missing (NaN) or infinite number becomes the training mean."""
        if self.inputs is not None:
            categorical_BTF = categorical_BTF[..., list(self.inputs.categorical)]
            numeric_BTF = numeric_BTF[..., list(self.inputs.numeric)]
        embedded_BTF = self.table(categorical_BTF + self.offsets).flatten(start_dim=2)
        if self.boundaries_FK.numel():
            numeric_BTF = quantile_positions(numeric_BTF, self.boundaries_FK)
        standard_BTF = (numeric_BTF - self.numeric_mean) / self.numeric_deviation
        known_BTF = torch.nan_to_num(standard_BTF, nan=0.0, posinf=0.0, neginf=0.0)
        return torch.cat([embedded_BTF, known_BTF], dim=2)


def quantile_positions(numeric_BTF: Tensor, boundaries_FK: Tensor) -> Tensor:
    """Return the share of a feature's boundaries at or below each value, 0 to 1; a feature without any stays.

    Args:
        numeric_BTF: numbers, NaN where missing, which stays so.
        boundaries_FK: of each feature, filled up with infinity.
    """
    counts_F = torch.isfinite(boundaries_FK).sum(dim=1)
    below_BTF = (numeric_BTF.unsqueeze(-1) >= boundaries_FK).sum(dim=-1)
    position_BTF = below_BTF.to(numeric_BTF.dtype) / counts_F.clamp(min=1)
    return torch.where((counts_F > 0) & ~torch.isnan(numeric_BTF), position_BTF, numeric_BTF)


def padded_boundaries(boundaries: Sequence[Sequence[float]]) -> Tensor:
    """Return rows of one length, filled up with infinity, which no number reaches."""
    longest = max((len(cuts) for cuts in boundaries), default=0)
    rows = [[*cuts, *[math.inf] * (longest - len(cuts))] for cuts in boundaries]
    return torch.tensor(rows, dtype=torch.float32).reshape(len(boundaries), longest)


class AttentionNetwork(nn.Module):
    """g: z1_t = GRU1(x_t), alpha_t = sigmoid(MLP1(z1_t)) (Eq. 2). Sees X_t only, never the feedback."""

    def __init__(
        self, shape: NetworkShape, numeric_mean: Sequence[float], numeric_deviation: Sequence[float]
    ) -> None:
        super().__init__()
        self.encoder = FeatureEncoder(shape, numeric_mean, numeric_deviation, shape.attention_inputs)
        self.gru = nn.GRU(self.encoder.width, shape.hidden, batch_first=True)
        self.mlp = _mlp(shape.hidden, shape.mlp)

    def forward(self, batch: SessionBatch) -> tuple[Tensor, Tensor]:
        """Return the logits of attention (B, T) and the state z1 (B, T, H)."""
        z1_BTH, _ = self.gru(self.encoder(batch.categorical_BTF, batch.numeric_BTF))
        return self.mlp(z1_BTH).squeeze(2), z1_BTH


class StepAttention(nn.Module):
    """g without a memory: s_t = sigmoid(MLP1(x_t)), for the chain, which carries attention on by itself."""

    def __init__(
        self, shape: NetworkShape, numeric_mean: Sequence[float], numeric_deviation: Sequence[float]
    ) -> None:
        super().__init__()
        self.encoder = FeatureEncoder(shape, numeric_mean, numeric_deviation, shape.attention_inputs)
        self.mlp = _mlp(self.encoder.width, shape.mlp)

    def forward(self, batch: SessionBatch) -> tuple[Tensor, Tensor]:
        """Return the logits of attention (B, T) and the encoded features x (B, T, F)."""
        x_BTF = self.encoder(batch.categorical_BTF, batch.numeric_BTF)
        return self.mlp(x_BTF).squeeze(2), x_BTF


class DecayingAttention(nn.Module):
    """EDM: attention is 1 at each active play and just before a session, and halves every so many plays.

    A play's own feedback counts from the next play on. The paper names the model without its constants;
    time is counted in plays, the index t of its equations.
    """

    SMALLEST = 1e-6

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.rate = math.log(2) / shape.half_life

    def forward(self, batch: SessionBatch) -> tuple[Tensor, Tensor]:
        """Return the logits of attention (B, T) and an empty state (B, T, 0)."""
        feedback_BT = batch.feedback_BT
        step_T = torch.arange(feedback_BT.shape[1], device=feedback_BT.device)
        after_active_BT = torch.where(previous(feedback_BT) > 0, step_T, 0)
        waited_BT = step_T - torch.cummax(after_active_BT, dim=1).values
        attention_BT = torch.exp(-self.rate * (waited_BT + 1))
        return torch.logit(attention_BT, eps=self.SMALLEST), feedback_BT.new_empty(*feedback_BT.shape, 0)


class PropensityNetwork(nn.Module):
    """h: z2_t = GRU2(e_{t-1}), p_t = sigmoid(MLP2(. ++ z2_t ++ e_{t-1})) (Eq. 12).

    The dot stands for the attention network's z1_t (kind ``state``, the paper's) or for the encoded
    features of the play (kind ``features``).
    """

    def __init__(
        self,
        shape: NetworkShape,
        numeric_mean: Sequence[float] = (),
        numeric_deviation: Sequence[float] = (),
    ) -> None:
        super().__init__()
        self.encoder: FeatureEncoder | None = None
        width = shape.hidden
        if shape.propensity == "features":
            self.encoder = FeatureEncoder(shape, numeric_mean, numeric_deviation, shape.propensity_inputs)
            width = self.encoder.width
        feedback_hidden = shape.feedback_hidden or shape.hidden
        self.gru = nn.GRU(1, feedback_hidden, batch_first=True)
        self.mlp = _mlp(width + feedback_hidden + 1, shape.mlp)

    def forward(self, batch: SessionBatch, z1_BTH: Tensor) -> Tensor:
        """Return the logits of propensity (B, T). Step t sees the feedback up to t-1."""
        previous_BTF = previous(batch.feedback_BT).unsqueeze(2)
        z2_BTH, _ = self.gru(previous_BTF)
        own_BTH = z1_BTH if self.encoder is None else self.encoder(batch.categorical_BTF, batch.numeric_BTF)
        logits_BT: Tensor = self.mlp(torch.cat([own_BTH, z2_BTH, previous_BTF], dim=2)).squeeze(2)
        return logits_BT


class LocalPropensity(nn.Module):
    """SAR: the propensity depends on the play's own features alone, p_t = sigmoid(MLP2(x_t))."""

    def __init__(
        self, shape: NetworkShape, numeric_mean: Sequence[float], numeric_deviation: Sequence[float]
    ) -> None:
        super().__init__()
        self.encoder = FeatureEncoder(shape, numeric_mean, numeric_deviation, shape.propensity_inputs)
        self.mlp = _mlp(self.encoder.width, shape.mlp)

    def forward(self, batch: SessionBatch, z1_BTH: Tensor) -> Tensor:
        """Return the logits of propensity (B, T)."""
        del z1_BTH
        logits_BT: Tensor = self.mlp(self.encoder(batch.categorical_BTF, batch.numeric_BTF)).squeeze(2)
        return logits_BT


class CertainPropensity(nn.Module):
    """PN: every attended play is active, p_t = 1 (to float32)."""

    LOGIT = 20.0

    def forward(self, batch: SessionBatch, z1_BTH: Tensor) -> Tensor:
        """Return the logits of propensity (B, T)."""
        del z1_BTH
        return torch.full_like(batch.feedback_BT, self.LOGIT)


def build_attention(
    shape: NetworkShape, numeric_mean: Sequence[float], numeric_deviation: Sequence[float]
) -> nn.Module:
    """Return the attention network of a shape."""
    if shape.attention == "decay":
        return DecayingAttention(shape)
    if shape.attention == "step":
        return StepAttention(shape, numeric_mean, numeric_deviation)
    return AttentionNetwork(shape, numeric_mean, numeric_deviation)


def build_propensity(
    shape: NetworkShape, numeric_mean: Sequence[float], numeric_deviation: Sequence[float]
) -> nn.Module:
    """Return the propensity network of a shape."""
    if shape.propensity == "certain":
        return CertainPropensity()
    if shape.propensity == "local":
        return LocalPropensity(shape, numeric_mean, numeric_deviation)
    return PropensityNetwork(shape, numeric_mean, numeric_deviation)


def previous(feedback_BT: Tensor) -> Tensor:
    """Return e_{t-1} for each step t, 0 at the first."""
    return torch.cat([torch.zeros_like(feedback_BT[:, :1]), feedback_BT[:, :-1]], dim=1)


def _mlp(width: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, 1))
