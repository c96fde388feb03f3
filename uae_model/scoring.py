"""Scoring a day: plays in, the same rows with attention, propensity and sample weight out, in one pass."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from uae_model.config import Config
from uae_model.errors import ContractError
from uae_model.features import categorical_buckets, numeric_values
from uae_model.weights import sample_weight, shifted_attention

if TYPE_CHECKING:
    from uae_model.pair import AttentionKind, NetworkPair
    from uae_model.weighting import Weighting

CHUNK_PLAYS = 65_536
"""Plays a worker collects before it predicts: enough sessions to fill batches of similar length."""


def score_plays(
    plays: DataFrame, networks: Broadcast[bytes], weighting: Weighting, config: Config, play_count: int
) -> DataFrame:
    """Return the plays with ``attention``, ``propensity``, ``sample_weight`` and ``weighting``; no join back.

    The number of tasks and the order within them follow from the plays alone, so the same plays give
    the same numbers on any cluster.

    Args:
        plays: rows of ``plays``, whole sessions.
        networks: the serialised state of a ``NetworkPair``.
        weighting: the weight function, with the numbers that the model fills in.
        config: the features and the batch size.
        play_count: rows of ``plays``, from which the number of tasks follows.
    """
    tasks = max(1, math.ceil(play_count / config.scoring.rows_per_task))
    encoded = encode_plays(plays, config)
    schema = T.StructType(
        [
            *plays.schema.fields,
            T.StructField("attention", T.DoubleType()),
            T.StructField("propensity", T.DoubleType()),
        ]
    )
    widths = (len(config.features_of_kind("categorical")), len(config.features_of_kind("numeric")))
    scored = (
        encoded.repartition(tasks, "session_id")
        .sortWithinPartitions("session_id", "position")
        .mapInArrow(_scorer(networks, widths, config.scoring.batch_plays, weighting.kind), schema)
        .withColumn("attention", shifted_attention(F.col("attention"), weighting))
    )
    weight = sample_weight(F.col("attention"), F.col("is_active"), weighting)
    return scored.withColumn("sample_weight", weight).withColumn("weighting", F.lit(weighting.describe()))


def encode_plays(plays: DataFrame, config: Config) -> DataFrame:
    """Add ``_categorical`` and ``_numeric``, what the networks read of each play."""
    return plays.withColumn("_categorical", categorical_buckets(config)).withColumn(
        "_numeric", numeric_values(config)
    )


def serialise(state: dict[str, Any]) -> bytes:
    """Return a pair's state as bytes for a broadcast."""
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


_LOADED: dict[int, NetworkPair] = {}
"""Networks of this Python worker by broadcast id: loaded once a worker, not once a task."""


def _scorer(
    networks: Broadcast[bytes], widths: tuple[int, int], batch_plays: int, kind: AttentionKind
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        pair = _load(networks)
        for table in whole_sessions(batches):
            yield from _score_table(table, pair, widths, batch_plays, kind).to_batches()

    return score


def _load(networks: Broadcast[bytes]) -> NetworkPair:
    import torch

    from uae_model.pair import NetworkPair
    from uae_model.scoring import _LOADED  # the module's own, not the copy pickled with the function

    key = hash(networks.value)
    if key not in _LOADED:
        torch.set_num_threads(1)  # Spark runs one task a core
        _LOADED.clear()
        state = torch.load(io.BytesIO(networks.value), weights_only=True)
        _LOADED[key] = NetworkPair.from_state(state)
    return _LOADED[key]


def whole_sessions(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Regroup sorted record batches into tables of whole sessions, about ``CHUNK_PLAYS`` rows each.

    Spark cuts its batches by rows, in the middle of sessions; a session starts where position is 1.
    """
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows < CHUNK_PLAYS:
            continue
        table = pa.Table.from_batches(waiting)
        starts = np.flatnonzero(table["position"].to_numpy() == 1)
        last_start = int(starts[-1]) if len(starts) else 0
        if last_start > 0:
            yield table.slice(0, last_start)
            waiting = table.slice(last_start).to_batches()
            rows -= last_start
    if rows:
        yield pa.Table.from_batches(waiting)


def session_lengths(
    position: np.ndarray[Any, np.dtype[np.int32]], session_id: pa.ChunkedArray
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the lengths of the sessions whose positions stand one after another: 1, 2, .., 1, 2, ...

    Raises:
        ContractError: if a position is missing or doubled; a gap would shift what a play's score sees.
    """
    codes = session_id.combine_chunks().dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    lengths = np.diff(np.append(starts, len(position)))
    if not np.array_equal(position, np.arange(len(position)) - np.repeat(starts, lengths) + 1):
        raise ContractError(
            "table plays: the positions of a session are not 1, 2, 3, ...; run uae sessions for the day again"
        )
    return lengths.astype(np.int64)


def _score_table(
    table: pa.Table, pair: NetworkPair, widths: tuple[int, int], batch_plays: int, kind: AttentionKind
) -> pa.Table:
    from uae_model.inference import predict_sessions

    plays = table.num_rows
    attention, propensity = predict_sessions(
        pair,
        _matrix(table["_categorical"], plays, widths[0]).astype(np.int64),
        _matrix(table["_numeric"], plays, widths[1]).astype(np.float32),
        table["is_active"].to_numpy().astype(np.float32),
        session_lengths(table["position"].to_numpy(), table["session_id"]),
        batch_plays,
        kind,
    )
    kept = table.drop_columns(["_categorical", "_numeric"])
    return kept.append_column("attention", pa.array(attention)).append_column(
        "propensity", pa.array(propensity)
    )


def _matrix(column: pa.ChunkedArray, rows: int, width: int) -> np.ndarray[Any, Any]:
    flat = column.combine_chunks().flatten() if width else pa.array([], pa.float32())
    matrix: np.ndarray[Any, Any] = flat.to_numpy(zero_copy_only=False).reshape(rows, width)
    return matrix
