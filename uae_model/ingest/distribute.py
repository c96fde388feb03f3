"""Files over Spark's tasks: each task parses whole files, or parts of large ones, and yields rows of text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import BinaryIO, cast

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T  # noqa: N812

from uae_model.core.errors import InputError
from uae_model.core.locations import is_local, plain_path
from uae_model.ingest.files import FilePart, Layout, read_part
from uae_model.ingest.files.opening import codec_of, is_utf8

Batches = Iterator[pa.RecordBatch]

PART_BYTES = 32 * 1024 * 1024
"""About how much of a file a task reads."""

DIVISIBLE = ("jsonl", "lines", "parquet", "30music_sessions", "30music_loves", "30music_tracks")
"""Forms of which a part can be read without what stands before it. A record of CSV may hold line breaks."""


def parts_of(path: str, name: str, size: int, layout: Layout, listener: str = "") -> list[FilePart]:
    """Return the parts in which a file is read."""
    can_divide = layout.form in DIVISIBLE and not codec_of(path)
    if layout.form != "parquet":
        can_divide = can_divide and is_utf8(layout) and is_local(path)
    count = max(1, -(-size // PART_BYTES)) if can_divide else 1
    return [FilePart(path, name, size, number, count, listener) for number in range(count)]


@dataclass(frozen=True)
class Stage:
    """What a task makes of the raw rows that it has just read, before Spark sees them.

    Attributes:
        run: batches of ``files.layout.batch_schema`` in, batches of ``schema`` out.
        schema: of what comes out.
    """

    run: Callable[[Batches], Batches]
    schema: T.StructType


def as_they_are(layout: Layout) -> Stage:
    """Return the stage that changes nothing."""
    return Stage(_unchanged, frame_schema(layout.columns))


def _unchanged(batches: Batches) -> Batches:
    return batches


def rows_of_parts(
    spark: SparkSession, parts: Sequence[FilePart], layout: Layout, stage: Stage | None = None
) -> DataFrame:
    """Return the rows of all parts, and a report of each, as ``frame_schema`` says; or what a stage makes.

    Files of this machine, or of one that all machines share, are opened where they lie. Those of any other
    storage
    are fetched by Spark, through the cluster's own settings, whole: at most 2 GB each.
    """
    local = [part for part in parts if is_local(part.path)]
    remote = {part.path: part for part in parts if not is_local(part.path)}
    wanted = stage or as_they_are(layout)
    groups = _groups(local, spark.sparkContext.defaultParallelism)
    frame = spark.range(0, len(groups), 1, max(1, len(groups))).mapInArrow(
        partial(_read_groups, groups=groups, layout=layout, then=wanted.run), wanted.schema
    )
    if not remote:
        return frame
    whole = [FilePart(part.path, part.name, part.size, listener=part.listener) for part in remote.values()]
    return frame.union(fetched_rows(spark, whole, layout, stage))


def fetched_rows(
    spark: SparkSession, parts: Sequence[FilePart], layout: Layout, stage: Stage | None = None
) -> DataFrame:
    """Return the rows of whole files that Spark fetches; names are taken as they are, never as patterns.

    The folder above them is given to Spark and the rest left out: of a list of files whose names hold signs
    that a
    URI would escape, Spark 4.0 reads some twice.

    Raises:
        InputError: naming a file that Spark does not find.
    """
    paths = [part.path for part in parts]
    folder = paths[0] if len(paths) == 1 else os.path.commonprefix(paths).rpartition("/")[0]  # noqa: RUF071 - of URIs
    contents = (
        spark.read.format("binaryFile")
        .option("__globPaths__", "false")
        .option("recursiveFileLookup", "true")
        .load(folder)
        .select("path", "content")
    )
    by_path = {plain_path(part.path): part for part in parts}
    fetched = {plain_path(row["path"]) for row in contents.select("path").collect()}
    lost = sorted(set(by_path) - fetched)
    if lost:
        raise InputError(f"{lost[0]}: Spark does not find it under this name; rename it and run it again")
    wanted = stage or as_they_are(layout)
    return contents.mapInArrow(
        partial(_read_contents, by_path=by_path, layout=layout, then=wanted.run), wanted.schema
    )


def frame_schema(columns: Sequence[str]) -> T.StructType:
    """Return the schema of the rows, which ``raw`` explains."""
    text = T.StringType()
    names = ("source", "raw", "problem", "value", "report")
    fields = T.StructType([T.StructField(name, text) for name in columns])
    return T.StructType(
        [
            *[T.StructField(name, text) for name in names],
            T.StructField("instant", T.TimestampType()),
            T.StructField("fields", fields),
        ]
    )


def opened_locally(part: FilePart) -> BinaryIO:
    """Open a file of this machine."""
    return open(plain_path(part.path), "rb")


def _groups(parts: Sequence[FilePart], tasks: int) -> list[list[FilePart]]:
    """Share parts out so that no task has much more to read than another."""
    bytes_of = [part.size // part.parts for part in parts]
    count = min(len(parts), max(tasks, -(-sum(bytes_of) // PART_BYTES)))
    groups: list[list[FilePart]] = [[] for _ in range(count)]
    filled = [0] * count
    for size, part in sorted(zip(bytes_of, parts, strict=True), key=lambda pair: (-pair[0], pair[1].name)):
        place = filled.index(min(filled))
        groups[place].append(part)
        filled[place] += size + 1
    return groups


def _read_groups(
    batches: Batches, groups: list[list[FilePart]], layout: Layout, then: Callable[[Batches], Batches]
) -> Batches:
    def rows() -> Batches:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for part in groups[number]:
                    yield from read_part(part, layout, opened_locally)

    return then(rows())


def _read_contents(
    batches: Batches, by_path: dict[str, FilePart], layout: Layout, then: Callable[[Batches], Batches]
) -> Batches:
    def rows() -> Batches:
        for batch in batches:
            for path, content in zip(batch.column(0).to_pylist(), batch.column(1), strict=True):
                part = by_path.get(plain_path(path))
                if part is None:
                    continue
                file = cast(BinaryIO, BytesIO(content.as_buffer()))
                yield from read_part(part, layout, lambda _, file=file: file)  # type: ignore[misc]

    return then(rows())
