"""The attention network g and the propensity network h (paper, Sec. IV-B, right part of Fig. 4).

Shape suffixes: B sessions, T padded steps, F features, H hidden units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class NetworkShape:
    """Everything that fixes the size of the networks; stored beside their weights.

    ``buckets`` counts the hash buckets of each categorical feature, without the one for missing values.
    """

    buckets: tuple[int, ...]
    numeric: int
    embedding: int
    hidden: int
    mlp: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> NetworkShape:
        """Rebuild a shape from ``to_dict``."""
        return cls(**{**content, "buckets": tuple(content["buckets"]), "mlp": tuple(content["mlp"])})


class FeatureEncoder(nn.Module):
    """Embeds the categorical features and standardises the numeric ones.

    All embeddings lie in one table with an offset per feature: one look-up instead of F.
    """

    offsets: Tensor
    numeric_mean: Tensor
    numeric_deviation: Tensor

    def __init__(
        self, shape: NetworkShape, numeric_mean: Sequence[float], numeric_deviation: Sequence[float]
    ) -> None:
        super().__init__()
        rows = [buckets + 1 for buckets in shape.buckets]  # bucket 0: missing
        offsets = torch.tensor([0, *rows[:-1]]).cumsum(0)
        self.table = nn.Embedding(sum(rows), shape.embedding)
        nn.init.normal_(self.table.weight, std=0.1)
        self.register_buffer("offsets", offsets)
        self.register_buffer("numeric_mean", torch.tensor(numeric_mean, dtype=torch.float32))
        self.register_buffer("numeric_deviation", torch.tensor(numeric_deviation, dtype=torch.float32))
        self.width = len(rows) * shape.embedding + shape.numeric

    def forward(self, categorical_BTF: Tensor, numeric_BTF: Tensor) -> Tensor:
        """Return x_BTF of ``width`` columns; a missing (NaN) or infinite number becomes the training mean."""
        embedded_BTF = self.table(categorical_BTF + self.offsets).flatten(start_dim=2)
        standard_BTF = (numeric_BTF - self.numeric_mean) / self.numeric_deviation
        known_BTF = torch.nan_to_num(standard_BTF, nan=0.0, posinf=0.0, neginf=0.0)
        return torch.cat([embedded_BTF, known_BTF], dim=2)


class AttentionNetwork(nn.Module):
    """g: z1_t = GRU1(x_t), alpha_t = sigmoid(MLP1(z1_t)) (Eq. 2). Sees X_t only, never the feedback."""

    def __init__(
        self, shape: NetworkShape, numeric_mean: Sequence[float], numeric_deviation: Sequence[float]
    ) -> None:
        super().__init__()
        self.encoder = FeatureEncoder(shape, numeric_mean, numeric_deviation)
        self.gru = nn.GRU(self.encoder.width, shape.hidden, batch_first=True)
        self.mlp = _mlp(shape.hidden, shape.mlp)

    def forward(self, categorical_BTF: Tensor, numeric_BTF: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of attention (B, T) and the state z1 (B, T, H)."""
        z1_BTH, _ = self.gru(self.encoder(categorical_BTF, numeric_BTF))
        return self.mlp(z1_BTH).squeeze(2), z1_BTH


class PropensityNetwork(nn.Module):
    """h: z2_t = GRU2(e_{t-1}), p_t = sigmoid(MLP2(z1_t ++ z2_t ++ e_{t-1})) (Eq. 12)."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.gru = nn.GRU(1, shape.hidden, batch_first=True)
        self.mlp = _mlp(2 * shape.hidden + 1, shape.mlp)

    def forward(self, z1_BTH: Tensor, feedback_BT: Tensor) -> Tensor:
        """Return the logits of propensity (B, T). ``feedback_BT`` is e_1..e_T; step t sees e up to t-1."""
        previous_BT = torch.cat([torch.zeros_like(feedback_BT[:, :1]), feedback_BT[:, :-1]], dim=1)
        previous_BTF = previous_BT.unsqueeze(2)
        z2_BTH, _ = self.gru(previous_BTF)
        logits_BT: Tensor = self.mlp(torch.cat([z1_BTH, z2_BTH, previous_BTF], dim=2)).squeeze(2)
        return logits_BT


def _mlp(width: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    return nn.Sequential(*layers, nn.Linear(width, 1))
