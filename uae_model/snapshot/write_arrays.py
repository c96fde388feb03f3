"""Writing a snapshot's split from arrays in memory, without Spark: simulated plays and small tests.

Shape suffixes: S sessions, N plays, F features, T padded steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from uae_model.snapshot.layout import (
    CATEGORICAL,
    ELEMENT_TYPES,
    FEEDBACK,
    LENGTH,
    NUMERIC,
    SESSION_ID,
    file_path,
    list_files,
)
from uae_model.snapshot.manifest import SnapshotSplit

Array = NDArray[Any]


@dataclass(frozen=True)
class EncodedSessions:
    """Plays, session by session in play order.

    Attributes:
        lengths_S: plays of each session.
        categorical_NF: bucket numbers.
        numeric_NF: transformed numbers, NaN where missing; F may be 0.
        feedback_N: e, 1 = active.
    """

    lengths_S: Array
    categorical_NF: Array
    numeric_NF: Array
    feedback_N: Array


def write_array_split(
    root: Path,
    name: str,
    sessions: EncodedSessions,
    padded_lengths: Sequence[int],
    *,
    days: tuple[str, ...],
    row_group_sessions: int,
    order: Array | None = None,
) -> SnapshotSplit:
    """Write the files of a split and return its entry of the manifest.

    Args:
        root: of the snapshot.
        name: of the split.
        sessions: what it holds.
        padded_lengths: ascending; each session is padded to the smallest that holds it.
        days: what the manifest calls the split's days.
        row_group_sessions: rows of a row group.
        order: of the sessions in the files, by index; as they stand by default.
    """
    lengths_S = sessions.lengths_S
    starts_S = np.cumsum(lengths_S) - lengths_S
    ordered = np.arange(len(lengths_S)) if order is None else order
    fitting = np.searchsorted(padded_lengths, lengths_S)
    for number, padded in enumerate(padded_lengths):
        chosen = ordered[fitting[ordered] == number]
        if len(chosen):
            path = root / file_path(name, padded)
            path.parent.mkdir(parents=True, exist_ok=True)
            table = _padded_table(sessions, starts_S[chosen], lengths_S[chosen], padded)
            pq.write_table(table, path, row_group_size=row_group_sessions)
    return SnapshotSplit(
        name=name,
        days=days,
        sessions=len(lengths_S),
        plays=len(sessions.feedback_N),
        active_plays=int(sessions.feedback_N.sum()),
        files=list_files(str(root), name),
    )


def _padded_table(sessions: EncodedSessions, starts_S: Array, lengths_S: Array, padded: int) -> pa.Table:
    step_T = np.arange(padded)
    real_ST = step_T < lengths_S[:, None]
    rows_ST = np.where(real_ST, starts_S[:, None] + step_T, 0)

    def lists(name: str, values: Array) -> pa.Array:
        mask = real_ST if values.ndim == 1 else real_ST[:, :, None]
        flat = np.where(mask, values[rows_ST], 0).reshape(len(starts_S), -1)
        offsets = np.arange(len(starts_S) + 1) * flat.shape[1]
        elements = pa.array(flat.ravel(), ELEMENT_TYPES[name])
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), elements)

    columns = {
        SESSION_ID: pa.array([f"s{start}" for start in starts_S.tolist()]),
        LENGTH: pa.array(lengths_S, pa.int32()),
        CATEGORICAL: lists(CATEGORICAL, sessions.categorical_NF),
    }
    if sessions.numeric_NF.shape[1]:  # Petastorm cannot stack arrays of no elements
        columns[NUMERIC] = lists(NUMERIC, sessions.numeric_NF)
    return pa.table({**columns, FEEDBACK: lists(FEEDBACK, sessions.feedback_N)})
