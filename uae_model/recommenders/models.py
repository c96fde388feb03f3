"""The paper's seven base models (Sec. VI-A), from torch-rechub's models and layers.

Each maps fields_BF (int64) to probability_B that the play is liked. torch-rechub has Wide&Deep, DeepFM, DCN,
AutoInt and DCN-V2 whole. FM and YoutubeNet are put together from its layers: its FM is a layer, and its
YoutubeDNN is the candidate generator of the cited paper, trained by softmax over candidates, where the paper
needs the ranking network (Covington et al. 2016, Sec. 4), which is trained on single plays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch_rechub.basic.features import SparseFeature
from torch_rechub.basic.initializers import RandomNormal
from torch_rechub.basic.layers import FM, MLP, EmbeddingLayer
from torch_rechub.models.ranking import DCN, AutoInt, DCNv2, DeepFM, WideDeep

from uae_model.recommenders.fields import FieldSpace

EMBEDDING_DEVIATION = 0.01
"""Standard deviation of the initial embeddings; with torch-rechub's 1e-4, factorisation machines stay at a
saddle point for epochs."""

CROSS_LAYERS = 3
INTERACTING_LAYERS = 3
HEADS = 2


class Recommender(nn.Module):
    """A base model behind one signature: fields in, probability out."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.names = tuple(names)

    def forward(self, fields_BF: Tensor) -> Tensor:
        """Return probability_B."""
        columns = dict(zip(self.names, fields_BF.unbind(dim=1), strict=True))
        probability_B: Tensor = self.network(columns)
        return probability_B


class FactorizationMachine(nn.Module):
    """FM (Rendle 2010): a bias, a weight for each value, the inner product of each pair of embeddings."""

    def __init__(self, features: Sequence[SparseFeature]) -> None:
        super().__init__()
        self.features = list(features)
        self.first_order = nn.ModuleDict(
            {feature.name: nn.Embedding(feature.vocab_size, 1) for feature in features}
        )
        for table in self.first_order.values():
            nn.init.zeros_(table.weight)  # type: ignore[arg-type]
        self.bias = nn.Parameter(torch.zeros(1))
        self.embedding = EmbeddingLayer(self.features)
        self.second_order = FM(reduce_sum=True)

    def forward(self, columns: dict[str, Tensor]) -> Tensor:
        """Return probability_B."""
        linear_BF = torch.cat([self.first_order[name](column) for name, column in columns.items()], dim=1)
        pairs_B1 = self.second_order(self.embedding(columns, self.features))
        return torch.sigmoid(self.bias + linear_BF.sum(dim=1) + pairs_B1.squeeze(1))


class YoutubeNet(nn.Module):
    """The ranking network of Covington et al. 2016: all embeddings side by side through one MLP."""

    def __init__(self, features: Sequence[SparseFeature], mlp: dict[str, Any]) -> None:
        super().__init__()
        self.features = list(features)
        self.embedding = EmbeddingLayer(self.features)
        self.mlp = MLP(sum(feature.embed_dim for feature in features), **mlp)

    def forward(self, columns: dict[str, Tensor]) -> Tensor:
        """Return probability_B."""
        x_BE = self.embedding(columns, self.features, squeeze_dim=True)
        return torch.sigmoid(self.mlp(x_BE).squeeze(1))


Builder = Callable[[list[SparseFeature], dict[str, Any]], nn.Module]

BASE_MODELS: dict[str, Builder] = {
    "FM": lambda features, mlp: FactorizationMachine(features),
    "Wide&Deep": lambda features, mlp: WideDeep(features, features, mlp),
    "DeepFM": lambda features, mlp: DeepFM(features, features, mlp),
    "YoutubeNet": YoutubeNet,
    "DCN": lambda features, mlp: DCN(features, CROSS_LAYERS, mlp),
    "AutoInt": lambda features, mlp: AutoInt(features, [], INTERACTING_LAYERS, HEADS, mlp_params=mlp),
    # Full-rank cross layers: with the default mixture of experts a batch of one play fails.
    "DCN-V2": lambda features, mlp: DCNv2(features, CROSS_LAYERS, mlp, use_low_rank_mixture=False),
}
"""Every base model by the name that the paper's tables give it, in their order."""


def build_recommender(name: str, space: FieldSpace, embedding: int, hidden: Sequence[int]) -> Recommender:
    """Return a base model with fresh weights, drawn from torch's generator.

    Args:
        name: a key of ``BASE_MODELS``.
        space: the fields.
        embedding: width of each embedding (the paper: 8).
        hidden: layers of its MLP (the paper: 256, 128, 64).
    """
    initial = RandomNormal(0.0, EMBEDDING_DEVIATION)
    features = [
        SparseFeature(field, size, embedding, initializer=initial)
        for field, size in zip(space.names, space.sizes, strict=True)
    ]
    return Recommender(BASE_MODELS[name](features, {"dims": list(hidden)}), space.names)
