"""The reference of a feature: what the training window held, as plain values that travel with the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FeatureReference:
    """A feature over the training window, with which later days are compared.

    Attributes:
        name: of the feature.
        boundaries: deciles of a numeric feature, rising; empty for a categorical one.
        shares: bin, as text, -> share of the plays; bins are buckets, or numbered from 1 by boundaries.
    """

    name: str
    boundaries: tuple[float, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)


def read_references(stored: Sequence[Mapping[str, Any]]) -> tuple[FeatureReference, ...]:
    """Return references from plain values, as a manifest or a model's declaration holds them."""
    return tuple(
        FeatureReference(feature["name"], tuple(feature["boundaries"]), dict(feature["shares"]))
        for feature in stored
    )
