"""The published weights as batches of torch tensors, read by Petastorm's DataLoader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.dataset as pads

from uae_model.config import Feature
from uae_model.core.errors import ContractError
from uae_model.features.arrays import buckets_of, numbers_of
from uae_model.readers.arrow import published_days, published_files, require_rows
from uae_model.snapshot.petastorm_files import file_url, quiet_petastorm

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class WeightedBatch:
    """Training samples of a recommender.

    Attributes:
        features: name -> int64 bucket numbers ``(batch,)`` of a categorical feature (0 = missing,
            1 ... buckets), or float32 numbers ``(batch,)`` of a numeric one (NaN = missing).
        label_B: y, float32.
        sample_weight_B: 1 for active plays, the weight of Eq. 19 for passive ones, float32.
    """

    features: dict[str, torch.Tensor]
    label_B: torch.Tensor
    sample_weight_B: torch.Tensor


def weighted_batches(
    tables: str,
    first: date | str,
    last: date | str | None = None,
    *,
    features: Sequence[Feature],
    batch_size: int = 4096,
    seed: int = 0,
    rank: int = 0,
    world: int = 1,
) -> Iterator[WeightedBatch]:
    """Yield one epoch of the published plays as batches, read by Petastorm's torch DataLoader.

    Args:
        tables: the folder or URI of the tables.
        first: first day.
        last: last day, included.
        features: the declaration, ``load_config(...).features``.
        batch_size: plays of a batch; the last one may be smaller.
        seed: of the order of row groups and of rows.
        rank: this process's share of the row groups.
        world: number of processes.

    Raises:
        InputError: naming the days of the range that are not published.
        ContractError: if one process alone read another number of rows than were published, or no day has
            a column that a feature needs.
    """
    days = published_days(tables, first, last)
    columns = [*dict.fromkeys(feature.column for feature in features), "label", "sample_weight"]
    files = _complete_first(published_files(tables, days), columns)
    rows = 0
    with quiet_petastorm():
        from petastorm import make_batch_reader
        from petastorm.pytorch import BatchedDataLoader

        with make_batch_reader(
            [file_url(file) for file in files],
            schema_fields=columns,
            transform_spec=_encoding(features),
            reader_pool_type="thread",
            workers_count=1,  # one worker keeps the order a function of the seed
            shuffle_rows=True,
            seed=seed,
            cur_shard=rank,
            shard_count=world,
        ) as reader:
            for batch in BatchedDataLoader(reader, batch_size=batch_size):
                rows += len(batch["label"])
                yield WeightedBatch(
                    features={feature.name: batch[_encoded(feature)] for feature in features},
                    label_B=batch["label"],
                    sample_weight_B=batch["sample_weight"],
                )
    if world == 1:
        require_rows(rows, days)


def weighted_binary_cross_entropy(
    logit_B: torch.Tensor, label_B: torch.Tensor, sample_weight_B: torch.Tensor
) -> torch.Tensor:
    """Return the recommender's loss (Eq. 18): the weighted binary cross-entropy, mean over the plays."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    return binary_cross_entropy_with_logits(logit_B, label_B, weight=sample_weight_B)


def _encoding(features: Sequence[Feature]) -> Any:
    """Return the Petastorm transform that runs in the reader's thread, on pandas frames."""
    import pandas as pd
    from petastorm.transform import TransformSpec

    def encode(rows: pd.DataFrame) -> pd.DataFrame:
        encoded: dict[str, Any] = {}
        missing = np.full(len(rows), None)  # a feature may be newer than a day
        for feature in features:
            values = rows.get(feature.column, missing)
            if feature.kind == "categorical":
                encoded[_encoded(feature)] = buckets_of(values, feature.buckets)
            else:
                encoded[_encoded(feature)] = numbers_of(values, feature.transform)
        encoded["label"] = rows["label"].to_numpy(dtype="float32")
        encoded["sample_weight"] = rows["sample_weight"].to_numpy(dtype="float32")
        return pd.DataFrame(encoded)

    kinds = {_encoded(f): "int64" if f.kind == "categorical" else "float32" for f in features}
    kinds |= {"label": "float32", "sample_weight": "float32"}
    return TransformSpec(
        encode,
        edit_fields=[(name, pd.api.types.pandas_dtype(kind).type, (), False) for name, kind in kinds.items()],
        selected_fields=list(kinds),
    )


def _encoded(feature: Feature) -> str:
    """Return a name that no column of ``weights`` has."""
    return f"encoded_{feature.name}"


def _complete_first(files: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return the files, one that has all the columns first: Petastorm knows only the first one's columns."""
    fragments = list(pads.dataset(list(files)).get_fragments())
    lacks = {f.path: sorted(set(columns).difference(f.physical_schema.names)) for f in fragments}
    ordered = sorted(lacks, key=lambda path: len(lacks[path]))
    if lacks[ordered[0]]:
        raise ContractError(
            f"table weights: no file of these days has column {', '.join(lacks[ordered[0]])}; "
            "pass features that were published on one of them"
        )
    return ordered
