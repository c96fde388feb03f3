"""Encoded plays in memory, ready to train on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Samples:
    """Plays as a recommender trains on them.

    Attributes:
        fields_NF: int64 embedding indices.
        label_N: y, float32.
        weight_N: sample weights, float32.
    """

    fields_NF: Tensor
    label_N: Tensor
    weight_N: Tensor

    def __len__(self) -> int:
        return len(self.label_N)

    def weighted(self, weight_N: Tensor) -> Samples:
        """Return the same plays, not copied, with other weights."""
        return replace(self, weight_N=weight_N)

    def where(self, chosen_N: Tensor) -> Samples:
        """Return the plays of a mask."""
        return Samples(self.fields_NF[chosen_N], self.label_N[chosen_N], self.weight_N[chosen_N])

    def batches(self, size: int, generator: torch.Generator | None = None) -> Iterator[Samples]:
        """Yield all plays once, in a drawn order if there is a generator.

        A last batch of one play joins the batch before it: batch normalisation needs two.
        """
        count = len(self)
        order_N = torch.arange(count) if generator is None else torch.randperm(count, generator=generator)
        starts = list(range(0, count, size))
        if len(starts) > 1 and count - starts[-1] == 1:
            starts.pop()
        for start, end in zip(starts, [*starts[1:], count], strict=True):
            yield self.where(order_N[start:end])
