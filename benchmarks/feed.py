"""An epoch of the training feed: Petastorm as ``uae train`` uses it against a bare pyarrow scan.

Both read the same files of one snapshot on one core and yield ``SessionBatch`` tensors of the same sizes. The
peer is the loop one writes without a loader: it opens the files one after another, reads one row group at a
time, takes its columns as numpy arrays without a copy, joins and cuts them to batches of the padded length,
and converts those to tensors. It does no more: no shuffle, no shards, no worker thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from benchmarks.measure import Run, timed
from benchmarks.workspace import benchmark_config, made_once, make_snapshot, snapshot_of
from uae_model.models.batch import SessionBatch, length_mask
from uae_model.models.networks import NetworkShape
from uae_model.models.process_group import ProcessGroup
from uae_model.snapshot.loader import session_batches
from uae_model.snapshot.manifest import Manifest
from uae_model.training.job import network_shape

USERS = 100_000
EPOCHS = 2
SEED = 1
COLUMNS = ("length", "categorical", "numeric", "feedback")

Rows = dict[str, NDArray[Any]]


def prepare(folder: Path, scale: float) -> dict[str, Any]:
    """Write the snapshot once."""
    users = max(100, int(USERS * scale))
    made_once(folder / "input", lambda place: make_snapshot(place, users, max(20, users // 100)))
    train = _manifest(folder).train
    return {"sessions": train.sessions, "plays": train.plays, "fill": round(train.fill, 3)}


def run_petastorm(folder: Path) -> Run:
    """Read epochs through the project's loader, as one rank: a new reader for each, as in training."""
    return _consumed(folder, _petastorm_batches)


def run_pyarrow(folder: Path) -> Run:
    """Read the same epochs with the bare loop."""
    return _consumed(folder, bare_batches)


PEERS: dict[str, Callable[[Path], Run]] = {"petastorm": run_petastorm, "pyarrow": run_pyarrow}


def compare(folder: Path) -> dict[str, Any]:
    """Compare what both yield in an epoch: batch sizes, and an order-free checksum over every tensor."""
    manifest, shape, batch_plays = _settings(folder)
    ours = digest(_petastorm_batches(manifest, shape, batch_plays))
    peer = digest(bare_batches(manifest, shape, batch_plays))
    return {"agree": ours == peer, **ours, "peer": peer}


def bare_batches(manifest: Manifest, shape: NetworkShape, batch_plays: int) -> Iterator[SessionBatch]:
    """Yield the training split in the order of its files, in batches of one padded length."""
    waiting: list[Rows] = []
    steps = 0
    for file in manifest.train.files:
        if file.padded_length != steps:
            yield from _cut(waiting, steps, batch_plays, shape, last=True)
            waiting, steps = [], file.padded_length
        parquet = pq.ParquetFile(f"{manifest.root}/{file.path}")
        for index in range(parquet.num_row_groups):
            waiting.append(_arrays(parquet.read_row_group(index, columns=list(COLUMNS), use_threads=False)))
            yield from _cut(waiting, steps, batch_plays, shape, last=False)
    yield from _cut(waiting, steps, batch_plays, shape, last=True)


def digest(batches: Iterable[SessionBatch]) -> dict[str, Any]:
    """Return sessions, plays, a checksum over all values, and how many batches have which size."""
    sizes: Counter[str] = Counter()
    sessions = plays = checksum = 0
    for batch in batches:
        sizes["x".join(str(size) for size in batch.mask_BT.shape)] += 1
        sessions += batch.sessions
        plays += batch.plays
        checksum = (checksum + _checksum(batch)) % 2**64
    return {
        "sessions": sessions,
        "plays": plays,
        "checksum": str(checksum),
        "batches": dict(sorted(sizes.items())),
    }


def _petastorm_batches(manifest: Manifest, shape: NetworkShape, batch_plays: int) -> Iterator[SessionBatch]:
    return session_batches(
        manifest, manifest.train, shape, ProcessGroup(), batch_plays=batch_plays, seed=SEED
    )


def _consumed(
    folder: Path, batches_of: Callable[[Manifest, NetworkShape, int], Iterator[SessionBatch]]
) -> Run:
    manifest, shape, batch_plays = _settings(folder)
    next(iter(batches_of(manifest, shape, batch_plays)))  # imports are not timed
    with timed() as run:
        for _ in range(EPOCHS):
            for batch in batches_of(manifest, shape, batch_plays):
                run.units += batch.plays
    if run.units != EPOCHS * manifest.train.plays:
        raise RuntimeError(f"{run.units} plays were read, not {EPOCHS} x {manifest.train.plays}")
    return run


def _manifest(folder: Path) -> Manifest:
    return snapshot_of(folder / "input")


def _settings(folder: Path) -> tuple[Manifest, NetworkShape, int]:
    config, manifest = benchmark_config(folder), _manifest(folder)
    return manifest, network_shape(manifest, config.network, config.training), config.training.batch_plays


def _arrays(table: pa.Table) -> Rows:
    arrays = {}
    for name in COLUMNS:
        column = table[name].combine_chunks()
        values = column if name == "length" else column.flatten()
        flat = values.to_numpy(zero_copy_only=False)
        arrays[name] = flat if name == "length" else flat.reshape(table.num_rows, -1)
    return arrays


def _cut(
    waiting: list[Rows], steps: int, batch_plays: int, shape: NetworkShape, *, last: bool
) -> Iterator[SessionBatch]:
    """Yield full batches of the waiting rows (with ``last`` also the rest) and leave what is over in them."""
    available = sum(len(rows["length"]) for rows in waiting)
    size = max(1, batch_plays // max(1, steps))
    if available < size and not (last and available):
        return
    joined = {name: np.concatenate([rows[name] for rows in waiting]) for name in COLUMNS}
    end = available if last else available // size * size
    for start in range(0, end, size):
        yield _to_batch(
            {name: values[start : min(start + size, end)] for name, values in joined.items()}, shape
        )
    waiting[:] = [] if end == available else [{name: values[end:] for name, values in joined.items()}]


def _to_batch(rows: Rows, shape: NetworkShape) -> SessionBatch:
    sessions, steps = rows["feedback"].shape
    return SessionBatch(
        torch.from_numpy(rows["categorical"].astype(np.int64)).view(sessions, steps, len(shape.buckets)),
        torch.from_numpy(rows["numeric"]).view(sessions, steps, shape.numeric),
        torch.from_numpy(rows["feedback"]),
        length_mask(torch.from_numpy(rows["length"]), steps),
    )


def _checksum(batch: SessionBatch) -> int:
    """Return the sum over sessions of a hash of all their values, modulo 2^64."""
    sessions = batch.sessions
    values = np.concatenate(
        [
            batch.categorical_BTF.reshape(sessions, -1).numpy(),
            batch.numeric_BTF.reshape(sessions, -1).contiguous().view(torch.int32).long().numpy(),
            batch.feedback_BT.contiguous().view(torch.int32).long().numpy(),
            batch.mask_BT.long().numpy(),
        ],
        axis=1,
    ).astype(np.uint64)
    factors = np.random.default_rng(values.shape[1]).integers(0, 2**63, values.shape[1], dtype=np.uint64)
    hashed = (values * (2 * factors + np.uint64(1))).sum(axis=1, dtype=np.uint64)
    hashed ^= hashed >> np.uint64(31)  # without it the sum would not tell which values share a session
    return int((hashed * np.uint64(0x9E3779B97F4A7C15)).sum(dtype=np.uint64))
