"""What readers of the weights import.

``from uae_model.readers import read_weights_arrow`` needs pyarrow alone. The other readers import what they
are named after (Spark, pandas, Polars, torch), and only when they are asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uae_model.readers.arrow import (
        published_days,
        published_files,
        read_table_arrow,
        read_weights_arrow,
    )
    from uae_model.readers.days import PublishedDay
    from uae_model.readers.features import PublishedFeature, published_features
    from uae_model.readers.pandas import read_weights_pandas
    from uae_model.readers.polars import read_weights_polars
    from uae_model.readers.spark import read_side_scores, read_weights
    from uae_model.readers.torch import WeightedBatch, weighted_batches, weighted_binary_cross_entropy

_MODULE_OF = {
    "PublishedDay": "days",
    "PublishedFeature": "features",
    "WeightedBatch": "torch",
    "published_days": "arrow",
    "published_features": "features",
    "published_files": "arrow",
    "read_side_scores": "spark",
    "read_table_arrow": "arrow",
    "read_weights": "spark",
    "read_weights_arrow": "arrow",
    "read_weights_pandas": "pandas",
    "read_weights_polars": "polars",
    "weighted_batches": "torch",
    "weighted_binary_cross_entropy": "torch",
}

__all__ = [
    "PublishedDay",
    "PublishedFeature",
    "WeightedBatch",
    "published_days",
    "published_features",
    "published_files",
    "read_side_scores",
    "read_table_arrow",
    "read_weights",
    "read_weights_arrow",
    "read_weights_pandas",
    "read_weights_polars",
    "weighted_batches",
    "weighted_binary_cross_entropy",
]


def __getattr__(name: str) -> object:
    """Import a reader when it is first asked for."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
