"""Fields: every feature of a recommender as an index into an embedding table of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from uae_model.config import Feature, FeatureSet

NUMERIC_BINS = 32
"""Bins of equal frequency that a numeric feature is cut into, as is usual for click-through models: a factor
for each bin lets FM, the cross networks and AutoInt treat every feature alike."""


@dataclass(frozen=True)
class FieldSpace:
    """The fields of a recommender: the categorical features, then the numeric ones.

    Attributes:
        names: of the features.
        sizes: indices of each field, 0 (missing) included.
        edges: inner bin edges of each numeric feature.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    edges: tuple[tuple[float, ...], ...]

    @classmethod
    def fit(cls, features: Sequence[Feature], numeric_NF: NDArray[np.float32]) -> FieldSpace:
        """Return the fields of these features, with bins that hold equal shares of the training plays.

        Args:
            features: the declaration; the columns of ``numeric_NF`` are its numeric features in order.
            numeric_NF: transformed numbers of the training plays, NaN where missing.
        """
        declared = FeatureSet(features)
        edges = tuple(_edges(numeric_NF[:, column]) for column in range(len(declared.numeric)))
        return cls(
            names=tuple(feature.name for feature in (*declared.categorical, *declared.numeric)),
            sizes=(*(buckets + 1 for buckets in declared.buckets), *(len(cuts) + 2 for cuts in edges)),
            edges=edges,
        )

    def encode(self, categorical_NF: NDArray[np.int64], numeric_NF: NDArray[np.float32]) -> Tensor:
        """Return fields_NF, int64: buckets as they are, numbers as 1 + the bin they fall into, NaN as 0."""
        binned = [
            np.where(np.isnan(column), 0, np.searchsorted(np.asarray(cuts, np.float32), column, "right") + 1)
            for column, cuts in zip(numeric_NF.T, self.edges, strict=True)
        ]
        columns = [*categorical_NF.T, *binned]
        return torch.from_numpy(np.stack(columns, axis=1).astype(np.int64))

    def without_gaps(self, fields_NF: Tensor) -> tuple[FieldSpace, Tensor]:
        """Return the same fields and plays with only the indices that these plays have.

        A base model learns the same from them in less time: the optimizer moves every row of an embedding
        table at every step. No other plays can be encoded so.
        """
        indexed = [np.unique(column, return_inverse=True) for column in fields_NF.numpy().T]
        sizes = tuple(len(distinct) for distinct, _ in indexed)
        columns = np.stack([index for _, index in indexed], axis=1)
        return replace(self, sizes=sizes), torch.from_numpy(columns.astype(np.int64))


def _edges(values_N: NDArray[np.float32]) -> tuple[float, ...]:
    known = values_N[np.isfinite(values_N)]
    if len(known) == 0:
        return ()
    cuts = np.unique(np.quantile(known, np.arange(1, NUMERIC_BINS) / NUMERIC_BINS).astype(np.float32))
    return tuple(cuts.tolist())
