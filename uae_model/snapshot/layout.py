"""The layout of a training snapshot's files: columns, their widths and types, folders and row groups.

A row is a session. Petastorm refuses lists of varying length and loses nested ones, so each session is padded
with zeros to one of a few lengths and its feature arrays are flattened step by step. All rows of a file share
one padded length. Whoever writes or reads a snapshot, with Spark or without, takes the layout from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from uae_model.config import FeatureSet
from uae_model.core.any_storage import filesystem_of
from uae_model.snapshot.manifest import SnapshotFile

SESSION_ID, LENGTH, PADDED_LENGTH = "session_id", "length", "padded_length"
CATEGORICAL, NUMERIC, FEEDBACK = "categorical", "numeric", "feedback"

ELEMENT_TYPES: Mapping[str, pa.DataType] = {
    CATEGORICAL: pa.int32(),
    NUMERIC: pa.float32(),
    FEEDBACK: pa.float32(),
}
"""Elements of the list columns: bucket numbers, transformed numbers (NaN: missing), e (1 = active)."""

SPARK_ELEMENT_TYPES: Mapping[str, str] = {CATEGORICAL: "int", NUMERIC: "float", FEEDBACK: "float"}
"""The same as Spark names them."""


def step_widths(features: FeatureSet) -> dict[str, int]:
    """Return the list columns of a snapshot with the numbers that each has for a step.

    There is no column ``numeric`` without numeric features: Petastorm cannot stack arrays of no elements.
    """
    widths = {CATEGORICAL: len(features.categorical), NUMERIC: len(features.numeric), FEEDBACK: 1}
    return {name: width for name, width in widths.items() if width or name != NUMERIC}


def read_columns(features: FeatureSet) -> list[str]:
    """Return the columns that training reads."""
    return [LENGTH, *step_widths(features)]


def file_path(split: str, padded_length: int, part: int = 0) -> str:
    """Return the path of a file below the snapshot, as Spark partitions by the padded length."""
    return f"{split}/{PADDED_LENGTH}={padded_length}/part-{part:05d}.parquet"


def parquet_files(root: str, folder: str) -> list[str]:
    """Return the Parquet files in a folder of a snapshot and below it: sorted paths below the snapshot."""
    filesystem, base = filesystem_of(root)
    # Not by a pattern: the name of a folder above may have brackets.
    below = [path.removeprefix(f"{base}/") for path in filesystem.find(f"{base}/{folder}")]
    return sorted(path for path in below if path.endswith(".parquet") and not re.search(r"/[_.]", path))


def list_files(root: str, split: str) -> tuple[SnapshotFile, ...]:
    """Return the files of a split with their row groups as the footers state them, short sessions first."""
    filesystem, base = filesystem_of(root)
    files = []
    for path in parquet_files(root, split):
        with filesystem.open(f"{base}/{path}", "rb") as file:
            footer = pq.ParquetFile(file).metadata
        groups = tuple(footer.row_group(index).num_rows for index in range(footer.num_row_groups))
        length = int(path.rsplit(f"{PADDED_LENGTH}=", 1)[1].split("/", 1)[0])
        files.append(SnapshotFile(path, length, groups))
    return tuple(sorted(files, key=lambda file: (file.padded_length, file.path.rsplit("part-", 1)[-1][:5])))
