"""Large days are scored file by file: tasks read plays, predict and write scores, all of it by Arrow.

Spark would make rows of the columns that it reads and columns of the rows that it writes, which costs more
than the networks do. It only hands out the files here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark import Broadcast
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from uae_model.config import Feature
from uae_model.features.arrays import buckets_of_column, numbers_of
from uae_model.lake.data_files import (
    FILES,
    DataFile,
    FileForm,
    file_rows,
    files_of_rows,
    remove_data_file,
    write_data_files,
)
from uae_model.scoring.udf import CHUNK_PLAYS, Handling, load_networks, predict, whole_sessions
from uae_model.weights.functions import WeightFunction, passive_weights, shifted_in_odds

TABLES: Handling[pa.Table] = Handling(
    positions=lambda plays: plays["position"].to_numpy(),
    part=lambda plays, first, last: plays.slice(first, last - first),
    joined=pa.concat_tables,
)
SCORES = ("attention", "propensity", "sample_weight")
SCORED = pa.schema([*FILES, ("is_whole", pa.bool_())])
"""What a task tells of a file that it has scored, and whether its sessions were whole."""


@dataclass(frozen=True)
class FileScoring:
    """What tasks need to know to score files of plays.

    Attributes:
        day: of the plays.
        plays: the files of the day, each with whole sessions in play order, if it is as it should be.
        form: of the files that are written.
        networks: the serialised state of a ``NetworkPair``.
        categorical: the categorical features that the networks read.
        numeric: the numeric ones.
        batch_plays: plays predicted at a time.
        weighting: the weight function, with the numbers that the model fills in.
        same: columns that have one value in every row.
    """

    day: date
    plays: tuple[str, ...]
    form: FileForm
    networks: Broadcast[bytes]
    categorical: tuple[Feature, ...]
    numeric: tuple[Feature, ...]
    batch_plays: int
    weighting: WeightFunction
    same: Mapping[str, Any]


def score_files(spark: SparkSession, scoring: FileScoring) -> list[DataFile] | None:
    """Score the files of a day, one a task; return the files that were written.

    Returns:
        None, and no file is left, where a session does not lie whole in one file, play after play.
    """
    count = len(scoring.plays)
    numbers = spark.range(0, count, 1, max(1, count))
    told = numbers.mapInArrow(partial(_scored, scoring=scoring), from_arrow_schema(SCORED)).collect()
    written = files_of_rows(row for row in told if row["path"] is not None)
    if all(row["is_whole"] for row in told):
        return sorted(written, key=lambda file: file.path)
    for file in written:
        remove_data_file(scoring.form, file)
    return None


def _scored(batches: Iterable[pa.RecordBatch], scoring: FileScoring) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for number in batch.column(0).to_pylist():
            parts = ((scoring.day, part) for part in _parts(scoring, number))
            try:
                told, is_whole = file_rows(write_data_files(scoring.form, number, parts)), True
            except SessionsCutError:
                told, is_whole = pa.RecordBatch.from_pylist([{}], FILES), False
            whole = pa.array([is_whole] * told.num_rows, pa.bool_())
            yield pa.RecordBatch.from_arrays([*told.columns, whole], schema=SCORED)


class SessionsCutError(Exception):
    """A file holds plays of a session without those before them; the driver has the day shuffled then."""


def _parts(scoring: FileScoring, number: int) -> Iterator[pa.Table]:
    """Yield the scored plays of a file, some thousands at a time."""
    known: list[dict[Any, int]] = [{} for _ in scoring.categorical]
    with pq.ParquetFile(scoring.plays[number], coerce_int96_timestamp_unit="us") as file:
        there = file.schema_arrow.names
        wanted = [name for name in scoring.form.schema.names if name in there]
        batches = (pa.Table.from_batches([batch]) for batch in file.iter_batches(CHUNK_PLAYS, columns=wanted))
        for plays in whole_sessions(batches, TABLES):
            yield _with_scores(plays, scoring, known)


def _with_scores(plays: pa.Table, scoring: FileScoring, known: list[dict[Any, int]]) -> pa.Table:
    """Return whole sessions with all columns of ``scores``; those that the file lacks are null."""
    rows = plays.num_rows
    made = {*scoring.same, *SCORES, *plays.column_names}
    for field in scoring.form.schema:
        if field.name not in made:
            plays = plays.append_column(field.name, pa.nulls(rows, field.type))
    position, session = plays["position"].to_numpy(), _neighbours_differ(plays["session_id"])
    if not _are_whole(position, session):
        raise SessionsCutError("a session is cut")
    inputs = (
        position,
        session,
        plays["is_active"].to_numpy().astype(np.float32),
        *(
            buckets_of_column(plays[feature.column], feature.buckets, values)
            for feature, values in zip(scoring.categorical, known, strict=True)
        ),
        *(numbers_of(plays[feature.column], feature.transform) for feature in scoring.numeric),
    )
    weighting = scoring.weighting
    unshifted, propensity = predict(
        inputs,
        load_networks(scoring.networks),
        len(scoring.categorical),
        scoring.batch_plays,
        weighting.kind,
    )
    attention = shifted_in_odds(unshifted, weighting)
    weight = np.where(plays["is_active"].to_numpy(), 1.0, passive_weights(attention, weighting))
    for name, values in zip(SCORES, (attention, propensity, weight), strict=True):
        plays = plays.append_column(name, pa.array(values))
    for name, value in scoring.same.items():
        plays = plays.append_column(name, pa.repeat(pa.scalar(value), rows))
    return plays


def _neighbours_differ(sessions: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return numbers that differ where neighbouring sessions do."""
    codes: NDArray[np.int64] = sessions.combine_chunks().dictionary_encode().indices.to_numpy()
    return codes


def _are_whole(position: NDArray[Any], session: NDArray[np.int64]) -> bool:
    """Tell whether each play starts a session or follows on the play before it."""
    follows = np.append(False, (session[1:] == session[:-1]) & (position[1:] == position[:-1] + 1))
    return bool(np.all(follows | (position == 1)))
