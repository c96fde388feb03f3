"""Reading the published weights without Spark: the pinned files, an Arrow table, a Petastorm loader.

The recommender team needs this module, deltalake, pyarrow and, for the loader, petastorm and torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
from deltalake import DeltaTable

from uae_model.config import Feature
from uae_model.core.errors import ContractError
from uae_model.features.arrays import buckets_of, numbers_of
from uae_model.readers.days import PUBLISHED, requested_days, require_all_days
from uae_model.snapshot.petastorm_files import file_url, quiet_petastorm

if TYPE_CHECKING:
    import torch

BY_DAY = pads.partitioning(pa.schema([("dt", pa.date32())]), flavor="hive")


@dataclass(frozen=True)
class PublishedDay:
    """A day that may be read: the version of ``weights`` to pin and the rows it has."""

    day: date
    delta_version: int
    rows: int


def published_days(tables: str, first: date | str, last: date | str | None = None) -> list[PublishedDay]:
    """Return the published days from ``first`` to ``last`` (or ``first`` alone), in their order.

    Args:
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.

    Raises:
        InputError: naming the days of the range that are not published.
    """
    start, end = requested_days(first, last)
    table = _dataset(f"{tables.rstrip('/')}/publications", None).to_table(
        columns=["dt", "table_name", "status", "delta_version", "row_count"]
    )
    days = [
        PublishedDay(row["dt"], row["delta_version"], row["row_count"])
        for row in table.to_pylist()
        if start <= row["dt"] <= end and row["table_name"] == "weights" and row["status"] == PUBLISHED
    ]
    require_all_days({day.day for day in days}, start, end)
    return sorted(days, key=lambda day: day.day)


def published_files(tables: str, days: Sequence[PublishedDay]) -> list[str]:
    """Return the Parquet files of the pinned versions: what any engine may read without Delta.

    A folder listing would also find the files of nights that were replaced, or never published.
    """
    files = []
    for day in days:
        table = DeltaTable(f"{tables.rstrip('/')}/weights", version=day.delta_version)
        marker = f"dt={day.day.isoformat()}/"
        files += sorted(unquote(uri) for uri in table.file_uris() if marker in unquote(uri))
    return files


def read_weights_arrow(
    tables: str, first: date | str, last: date | str | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return the published weights as an Arrow table; ``to_pandas()`` and ``polars.from_arrow`` go on.

    Raises:
        InputError: naming the days of the range that are not published.
        ContractError: if the files do not hold the rows that were published.
    """
    days = published_days(tables, first, last)
    files = published_files(tables, days)
    table = _dataset_of(files).to_table(columns=None if columns is None else list(columns))
    _require_rows(table.num_rows, days)
    return table


def read_table_arrow(tables: str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a whole table as it is now, unchecked: for looking at plays, publications or quarantine.

    Args:
        tables: the folder or URI of the tables.
        name: of the table.
        columns: all by default.
    """
    return _dataset(f"{tables.rstrip('/')}/{name}", None).to_table(columns=columns and list(columns))


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
    columns = [*dict.fromkeys(map(_column, features)), "label", "sample_weight"]
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
        _require_rows(rows, days)


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
            values = rows.get(_column(feature), missing)
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


def _column(feature: Feature) -> str:
    """Return the column of ``weights`` that holds a feature's value."""
    return feature.source_column if feature.origin == "event" else feature.name


def _encoded(feature: Feature) -> str:
    """Return a name that no column of ``weights`` has."""
    return f"encoded_{feature.name}"


def _dataset(path: str, version: int | None) -> Any:
    files = sorted(unquote(uri) for uri in DeltaTable(path, version=version).file_uris())
    return _dataset_of(files)


def _dataset_of(files: Sequence[str]) -> Any:
    """Return the files as one dataset; a newer day may have features that the first file lacks."""
    found = pads.dataset(files, partitioning=BY_DAY)
    schemas = [fragment.physical_schema for fragment in found.get_fragments()]
    return pads.dataset(files, schema=pa.unify_schemas([found.schema, *schemas]), partitioning=BY_DAY)


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


def _require_rows(rows: int, days: Sequence[PublishedDay]) -> None:
    expected = sum(day.rows for day in days)
    if rows != expected:
        raise ContractError(
            f"table weights, {days[0].day} to {days[-1].day}: {rows} rows were read, {expected} are published"
        )
