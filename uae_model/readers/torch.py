"""The published weights as batches of torch tensors, read by Petastorm's DataLoader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from uae_model.core.errors import ContractError, InputError
from uae_model.core.filesystems import StorageOptions, open_files
from uae_model.features.arrays import EncodableFeature, encoded_values
from uae_model.readers.arrow import days_of, published_files, require_rows
from uae_model.readers.days import Request
from uae_model.readers.features import published_features
from uae_model.snapshot.petastorm_files import file_url, petastorm_filesystem, quiet_petastorm

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
    first: date | str | None = None,
    last: date | str | None = None,
    *,
    latest: int | None = None,
    as_of: datetime | str | None = None,
    features: Sequence[EncodableFeature] | None = None,
    batch_size: int = 4096,
    seed: int = 0,
    rank: int = 0,
    world: int = 1,
    without_accepted: bool = False,
    storage_options: StorageOptions | None = None,
) -> Iterator[WeightedBatch]:
    """Yield one epoch of the published plays as batches, read by Petastorm's torch DataLoader.

    Args:
        tables: the folder or URI of the tables.
        first: first day.
        last: last day, included.
        latest: in place of ``first`` and ``last``: so many of the newest published days.
        as_of: a moment (ISO 8601; without an offset UTC): the rows that were published then.
        features: those to yield, of ``published_features``; by default all of the last of these days.
        batch_size: plays of a batch; the last one may be smaller.
        seed: of the order of row groups and of rows.
        rank: number of this process, 0 ... world - 1. It gets a share of the row groups, or of the rows of
            one row group where there are more processes than row groups; together the processes get each
            play once.
        world: number of processes.
        without_accepted: refuse days with failed checks that a person accepted (``uae publish --accept``).
        storage_options: how S3 is reached, by deltalake's names (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``
            and so on); by default as the environment says.

    Raises:
        InputError: naming the days of the range that are not published or have accepted failures, or if the
            days have too few plays for so many processes.
        ContractError: if files are gone, if one process alone read another number of rows than were
            published, or if no day has a column that a feature needs.
    """
    days = days_of(tables, Request(first, last, latest, as_of, without_accepted), storage_options)
    if features is None:
        features = published_features(tables, days[-1].day, as_of=as_of, storage_options=storage_options)
    columns = [*dict.fromkeys(feature.column for feature in features), "label", "sample_weight"]
    files = published_files(tables, days, storage_options=storage_options)
    footers = _footers(files, storage_options)
    files = _complete_first(footers, columns)
    share = share_of(rank, world, [rows for footer in footers.values() for rows in footer.row_groups])
    rows = 0
    with quiet_petastorm():
        from petastorm import make_batch_reader
        from petastorm.pytorch import BatchedDataLoader

        with make_batch_reader(
            [file_url(file) for file in files],
            schema_fields=columns,
            transform_spec=_encoding(features, share, seed),
            reader_pool_type="thread",
            workers_count=1,  # one worker keeps the order a function of the seed
            shuffle_rows=share.parts == 1,  # otherwise the transform shuffles, once it has its part
            seed=seed,
            cur_shard=share.shard,
            shard_count=share.shards,
            filesystem=petastorm_filesystem(files, storage_options),
        ) as reader:
            for batch in BatchedDataLoader(reader, batch_size=batch_size):
                rows += len(batch["label"])
                yield WeightedBatch(
                    features={feature.name: batch[_encoded(feature.name)] for feature in features},
                    label_B=batch["label"],
                    sample_weight_B=batch["sample_weight"],
                )
    if world == 1:
        require_rows(rows, days)


@dataclass(frozen=True)
class Share:
    """What one of several processes reads: the row groups of a shard, and of their rows one part of several.

    Attributes:
        shard: row groups number shard, shard + shards, shard + 2 shards, ...
        shards: at most as many as there are row groups; Petastorm refuses more.
        part: rows number part, part + parts, ... of a row group.
        parts: number of processes that read this shard.
    """

    shard: int
    shards: int
    part: int
    parts: int


def share_of(rank: int, world: int, row_groups: Sequence[int]) -> Share:
    """Return the share of a process; those of all processes are everything, once.

    Args:
        rank: number of the process, from 0.
        world: number of processes.
        row_groups: rows of each row group.

    Raises:
        InputError: if the rank is none of the world, or if some process would get no row.
    """
    if not 0 <= rank < world:
        raise InputError(f"rank = {rank} is none of world = {world} processes; ranks count from 0")
    shards = max(min(world, len(row_groups)), 1)
    if world > shards and -(-world // shards) > min(row_groups, default=0):
        most = len(row_groups) * max(min(row_groups, default=0), 1)
        raise InputError(
            f"world = {world}: at most {most} processes can share the {len(row_groups)} row groups of these "
            "days; use fewer processes or more days"
        )
    shard = rank % shards
    return Share(shard, shards, rank // shards, len(range(shard, world, shards)))


def weighted_binary_cross_entropy(
    logit_B: torch.Tensor, label_B: torch.Tensor, sample_weight_B: torch.Tensor
) -> torch.Tensor:
    """Return the recommender's loss (Eq. 18): the weighted binary cross-entropy, mean over the plays."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    return binary_cross_entropy_with_logits(logit_B, label_B, weight=sample_weight_B)


def _encoding(features: Sequence[EncodableFeature], share: Share, seed: int) -> Any:
    """Return the Petastorm transform that runs in the reader's thread, on pandas frames."""
    import pandas as pd
    from petastorm.transform import TransformSpec

    def encode(rows: pd.DataFrame) -> pd.DataFrame:
        if share.parts > 1:
            rows = rows.iloc[share.part :: share.parts].sample(frac=1, random_state=seed)
        missing = np.full(len(rows), None)  # a feature may be newer than a day
        encoded: dict[str, Any] = {
            _encoded(feature.name): encoded_values(feature, rows.get(feature.column, missing))
            for feature in features
        }
        encoded["label"] = rows["label"].to_numpy(dtype="float32")
        encoded["sample_weight"] = rows["sample_weight"].to_numpy(dtype="float32")
        return pd.DataFrame(encoded)

    kinds = {_encoded(f.name): "int64" if f.kind == "categorical" else "float32" for f in features}
    kinds |= {"label": "float32", "sample_weight": "float32"}
    return TransformSpec(
        encode,
        edit_fields=[(name, pd.api.types.pandas_dtype(kind).type, (), False) for name, kind in kinds.items()],
        selected_fields=list(kinds),
    )


def _encoded(name: str) -> str:
    """Return a name that no column of ``weights`` has."""
    return f"encoded_{name}"


@dataclass(frozen=True)
class _Footer:
    """Of a Parquet file: the names of its columns and the rows of its row groups."""

    columns: frozenset[str]
    row_groups: tuple[int, ...]


def _footers(files: Sequence[str], storage_options: StorageOptions | None) -> dict[str, _Footer]:
    filesystem, paths = open_files(files, storage_options)
    footers = {}
    for file, path in zip(files, paths, strict=True):
        metadata = pq.read_metadata(path, filesystem=filesystem)
        rows = tuple(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups))
        footers[file] = _Footer(frozenset(metadata.schema.to_arrow_schema().names), rows)
    return footers


def _complete_first(footers: Mapping[str, _Footer], columns: Sequence[str]) -> list[str]:
    """Return the files, one that has all the columns first: Petastorm knows only the first one's columns."""
    lacks = {file: sorted(set(columns) - footer.columns) for file, footer in footers.items()}
    ordered = sorted(lacks, key=lambda file: len(lacks[file]))
    if lacks[ordered[0]]:
        raise ContractError(
            f"table weights: no file of these days has column {', '.join(lacks[ordered[0]])}; "
            "pass features that were published on one of them"
        )
    return ordered
