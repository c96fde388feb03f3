"""Batches of sessions from a snapshot, through Petastorm.

One worker thread decodes while the model computes: Petastorm's order is then a function of the seed
(several workers return row groups as they finish). Every row of a shard is yielded exactly once; callers
compare the totals with the manifest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from uae_model.models.batch import SessionBatch, length_mask
from uae_model.models.networks import NetworkShape
from uae_model.models.process_group import ProcessGroup
from uae_model.snapshot.layout import CATEGORICAL, FEEDBACK, LENGTH, NUMERIC, read_columns
from uae_model.snapshot.manifest import Manifest, SnapshotSplit
from uae_model.snapshot.petastorm_arrays import array_reader
from uae_model.snapshot.petastorm_files import quiet_petastorm

Rows = dict[str, NDArray[Any]]
BATCHES_MIXED = 4
"""Batches whose rows are drawn together, so that epochs do not repeat each other's batches."""


def session_batches(
    manifest: Manifest,
    split: SnapshotSplit,
    shape: NetworkShape,
    group: ProcessGroup,
    *,
    batch_plays: int,
    seed: int,
    shuffle: bool = True,
) -> Iterator[SessionBatch]:
    """Yield this rank's share of a split once, in batches of one padded length.

    A batch has ``batch_plays // padded_length`` sessions (at least one), so every batch costs about the
    same; the last of each length may be smaller. The same arguments give the same batches.
    """
    shuffler = np.random.default_rng([seed, group.rank])
    waiting: dict[int, list[Rows]] = defaultdict(list)
    for rows in _row_groups(manifest, split, group, seed, shuffle):
        steps = rows[FEEDBACK].shape[1]
        size = max(1, batch_plays // steps)
        waiting[steps].append(rows)
        if sum(len(group[LENGTH]) for group in waiting[steps]) >= size * BATCHES_MIXED:
            mixed = _mixed(waiting.pop(steps), shuffler, shuffle)
            whole = len(mixed[LENGTH]) // size * size
            yield from _cut(mixed, range(0, whole, size), size, shape)
            if whole < len(mixed[LENGTH]):
                waiting[steps].append({name: values[whole:] for name, values in mixed.items()})
    for steps in sorted(waiting):
        mixed = _mixed(waiting[steps], shuffler, shuffle)
        size = max(1, batch_plays // steps)
        yield from _cut(mixed, range(0, len(mixed[LENGTH]), size), size, shape)


def _row_groups(
    manifest: Manifest, split: SnapshotSplit, group: ProcessGroup, seed: int, shuffle: bool
) -> Iterator[Rows]:
    names = read_columns(manifest.features)
    # Petastorm refuses more shards than row groups: of fewer row groups than ranks, the last ranks read none.
    shards = min(group.world_size, sum(len(file.row_groups) for file in split.files))
    if group.rank >= shards:
        return
    reader = array_reader(
        [f"{manifest.root}/{file.path}" for file in split.files],
        names,
        shuffle=shuffle,
        seed=seed,
        rank=group.rank,
        world=shards,
    )
    with quiet_petastorm(), reader:
        for row_group in reader:
            yield {name: getattr(row_group, name) for name in names}


def _mixed(groups: Sequence[Rows], shuffler: np.random.Generator, shuffle: bool) -> Rows:
    joined = {name: np.concatenate([group[name] for group in groups]) for name in groups[0]}
    if not shuffle:
        return joined
    order = shuffler.permutation(len(joined[LENGTH]))
    return {name: values[order] for name, values in joined.items()}


def _cut(rows: Rows, starts: Sequence[int], size: int, shape: NetworkShape) -> Iterator[SessionBatch]:
    for start in starts:
        yield _to_batch({name: values[start : start + size] for name, values in rows.items()}, shape)


def _to_batch(rows: Rows, shape: NetworkShape) -> SessionBatch:
    sessions, steps = rows[FEEDBACK].shape
    numeric = rows.get(NUMERIC)
    if numeric is None:
        numeric = np.zeros((sessions, steps * shape.numeric), dtype=np.float32)
    return SessionBatch(
        categorical_BTF=torch.from_numpy(rows[CATEGORICAL]).long().view(sessions, steps, len(shape.buckets)),
        numeric_BTF=torch.from_numpy(numeric).float().view(sessions, steps, shape.numeric),
        feedback_BT=torch.from_numpy(rows[FEEDBACK]).float(),
        mask_BT=length_mask(torch.from_numpy(rows[LENGTH]), steps),
    )
