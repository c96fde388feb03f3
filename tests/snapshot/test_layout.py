"""What every snapshot looks like, whoever writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from uae_model.config import FeatureSet
from uae_model.snapshot.layout import (
    ELEMENT_TYPES,
    SPARK_ELEMENT_TYPES,
    list_files,
    read_columns,
    step_widths,
)
from uae_model.snapshot.write_arrays import EncodedSessions, write_array_split

GENRE = {"name": "genre", "kind": "categorical", "role": "both"}
PAUSE = {"name": "pause", "kind": "numeric", "role": "both"}
SESSIONS = EncodedSessions(
    lengths_S=np.array([2, 1, 3]),
    categorical_NF=np.arange(1, 7).reshape(6, 1),
    numeric_NF=np.arange(6, dtype=np.float32).reshape(6, 1) / 2,
    feedback_N=np.array([1, 0, 0, 0, 1, 1], np.float32),
)


def test_columns_follow_the_features() -> None:
    both = FeatureSet.of_plain([GENRE, PAUSE, {**PAUSE, "name": "tempo"}])
    assert step_widths(both) == {"categorical": 1, "numeric": 2, "feedback": 1}
    assert read_columns(both) == ["length", "categorical", "numeric", "feedback"]
    assert read_columns(FeatureSet.of_plain([GENRE])) == ["length", "categorical", "feedback"]


def test_spark_and_arrow_name_the_same_types() -> None:
    names = {"int": "int32", "float": "float"}
    assert {name: str(kind) for name, kind in ELEMENT_TYPES.items()} == {
        name: names[kind] for name, kind in SPARK_ELEMENT_TYPES.items()
    }


def test_sessions_from_arrays_are_padded_and_listed(tmp_path: Path) -> None:
    split = write_array_split(
        tmp_path, "train", SESSIONS, [2, 4], days=("a",), row_group_sessions=1, order=np.array([1, 2, 0])
    )
    assert (split.sessions, split.plays, split.active_plays, split.days) == (3, 6, 3, ("a",))
    assert split.files == list_files(str(tmp_path), "train")
    short, long = split.files
    assert (short.path, short.padded_length, short.row_groups) == (
        *("train/padded_length=2/part-00000.parquet", 2),
        (1, 1),
    )
    rows = pq.ParquetFile(tmp_path / short.path).read().to_pylist()
    assert rows == [
        {"session_id": "s2", "length": 1, "categorical": [3, 0], "numeric": [1.0, 0.0], "feedback": [0, 0]},
        {"session_id": "s0", "length": 2, "categorical": [1, 2], "numeric": [0.0, 0.5], "feedback": [1, 0]},
    ]
    (row,) = pq.ParquetFile(tmp_path / long.path).read().to_pylist()
    assert row["categorical"] == [4, 5, 6, 0]
