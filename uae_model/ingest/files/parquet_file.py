"""Parquet files, each by the names and types of its own schema, never by those of another file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from uae_model.ingest.files.layout import (
    LARGEST_EXACT,
    NOT_EXACT,
    NOT_UTF8,
    FilePart,
    Layout,
    Problems,
    Rows,
    UnreadableFileError,
)
from uae_model.ingest.files.opening import readable
from uae_model.ingest.files.parquet_columns import ParquetColumn, columns_of, occurrences
from uae_model.ingest.files.safe_text import without_values
from uae_model.ingest.files.text import NotExactError, text_of_decimal, text_of_float

BATCH_ROWS = 16_384
INSTANT = pa.timestamp("us", "UTC")
OUT_OF_RANGE = "a time is out of range"


def read_parquet(
    file: BinaryIO, part: FilePart, layout: Layout, tell: Callable[[tuple[str, ...]], None]
) -> Iterator[Rows]:
    """Yield the rows of a file, or of the row groups that belong to a part of it.

    Raises:
        UnreadableFileError: naming the column that is missing, or of a type that no text stands for.
    """
    try:
        parquet = pq.ParquetFile(file, coerce_int96_timestamp_unit="us")
        schema = parquet.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableFileError(
            f"it is no whole Parquet file ({without_values(error)}); deliver it again"
        ) from error
    there = columns_of(schema)
    tell(tuple(there))
    _check(schema, there, layout)
    present = {name: there[name] for name in layout.columns if name in there}
    groups = [
        index
        for index in range(parquet.num_row_groups)
        if index * part.parts // parquet.num_row_groups == part.part
    ]
    said = _rows_said(parquet.metadata, groups)
    read = 0
    try:
        for batch in parquet.iter_batches(
            BATCH_ROWS, row_groups=groups, columns=list(present), use_threads=False
        ):
            read += batch.num_rows
            yield _rows(batch, present, layout)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(
            f"its rows cannot be read ({without_values(error)}); deliver it again"
        ) from error
    if read != said:
        raise UnreadableFileError(f"its footer tells of {said} rows, {read} are there; deliver it again")


def _rows_said(metadata: pq.FileMetaData, groups: list[int]) -> int:
    """Return the rows that a file says these row groups have.

    Raises:
        UnreadableFileError: if it says another number of all: arrow reads the rows that there are.
    """
    rows = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
    if sum(rows) != metadata.num_rows:
        raise UnreadableFileError(
            f"its footer tells of {metadata.num_rows} rows, its row groups of {sum(rows)}; deliver it again"
        )
    return sum(rows[index] for index in groups)


def _check(schema: pa.Schema, there: Mapping[str, ParquetColumn], layout: Layout) -> None:
    absent = [name for name in layout.required if name not in there]
    if absent:
        raise UnreadableFileError(
            f"no column {', '.join(absent)}; its columns are {', '.join(there)}; name the "
            f"source columns "
            f"in {layout.setting}"
        )
    for name in layout.columns:
        if name not in there:
            continue
        times = occurrences(schema, there[name])
        if times > 1:
            raise UnreadableFileError(f"column {name!r} stands {times} times; leave one")
        if not is_readable(there[name].type):
            raise UnreadableFileError(
                f"column {name!r} is of type {there[name].type}, which no column of a feed can be; "
                "write text, a number or a timestamp"
            )


def is_readable(kind: pa.DataType) -> bool:
    """Tell whether a column of this type can be one of a feed."""
    if pa.types.is_dictionary(kind):
        return is_readable(kind.value_type)
    types = pa.types
    return bool(
        types.is_null(kind)
        or types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_timestamp(kind)
        or types.is_date(kind)
    )


def _rows(batch: pa.RecordBatch, present: Mapping[str, ParquetColumn], layout: Layout) -> Rows:
    columns: list[pa.Array | None] = []
    problems: Problems = {}
    instants = None
    for name in layout.columns:
        if name not in present:
            columns.append(None)
            continue
        values = present[name].of(batch)
        if name == layout.instant and _is_time(values.type):
            instants = _instants(values, problems)
        columns.append(_text(values, name, layout, problems))
    raw = _shown(columns, layout, problems, batch.num_rows) if problems else None
    return Rows(batch.num_rows, columns, raw, problems, instants)


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _instants(values: pa.Array, problems: Problems) -> pa.Array:
    """Return times in microseconds; a date is its midnight, and what carries no zone is UTC."""
    try:
        if pa.types.is_date(values.type):
            values = values.cast(pa.timestamp("s"))
        elif values.type.unit == "ns":
            values = pc.cast(values, pa.timestamp("us", values.type.tz), safe=False)
        micros = pc.cast(values, pa.timestamp("us", values.type.tz))
        return micros.cast(pa.int64()).cast(INSTANT)
    except pa.ArrowInvalid:
        scale = {"s": 1_000_000, "ms": 1_000}.get(getattr(values.type, "unit", ""), 1)
        numbers = values.cast(pa.int64()).to_pylist()
        kept = []
        for place, number in enumerate(numbers):
            inside = number is not None and abs(number * scale) < 2**62
            if number is not None and not inside:
                problems[place] = (OUT_OF_RANGE, str(number))
            kept.append(number * scale if inside else None)
        return pa.array(kept, pa.int64()).cast(INSTANT)


def _text(values: pa.Array, name: str, layout: Layout, problems: Problems) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if pa.types.is_null(kind):
        return pa.nulls(len(values), pa.string())
    if pa.types.is_floating(kind):
        return _float_text(values.cast(pa.float64()), name, layout, problems)
    if pa.types.is_decimal(kind) and name in layout.ids | layout.labels:
        return _each(values, text_of_decimal, problems)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return _checked_text(values.cast(pa.binary()), problems)
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return _checked_text(values.cast(pa.large_binary()).cast(pa.binary()), problems)
    if _is_time(kind):
        return _time_text(values)
    return values.cast(pa.string())


def _checked_text(values: pa.Array, problems: Problems) -> pa.Array:
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        texts: list[str | None] = []
        for place, value in enumerate(values.to_pylist()):
            try:
                texts.append(None if value is None else value.decode())
            except UnicodeDecodeError:
                problems[place] = (NOT_UTF8, readable(value))
                texts.append(readable(value))
        return pa.array(texts, pa.string())


def _float_text(values: pa.Array, name: str, layout: Layout, problems: Problems) -> pa.Array:
    is_id, is_label = name in layout.ids, name in layout.labels
    if not (is_id or is_label):
        return values.cast(pa.string())
    known = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    whole = pc.all(pc.and_(pc.equal(known, pc.floor(known)), pc.less_equal(pc.abs(known), LARGEST_EXACT)))
    if whole.as_py() in (True, None):
        return known.cast(pa.int64()).cast(pa.string())
    return _each(values, lambda value: text_of_float(value, is_id=is_id, is_label=is_label), problems)


def _each(values: pa.Array, convert: Callable[[Any], str | None], problems: Problems) -> pa.Array:
    texts: list[str | None] = []
    for place, value in enumerate(values.to_pylist()):
        try:
            texts.append(None if value is None else convert(value))
        except NotExactError as error:
            problems[place] = (NOT_EXACT, str(error))
            texts.append(str(value))
    return pa.array(texts, pa.string())


def _time_text(values: pa.Array) -> pa.Array:
    """Return times as text, for a feature and for a bad row; the time itself is read as what it is."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return values.cast(pa.int64()).cast(pa.string())


def _shown(
    columns: list[pa.Array | None], layout: Layout, problems: Problems, count: int
) -> list[str | None]:
    """Return the rows with a problem as JSON, since their fields are left out."""
    shown: list[str | None] = [None] * count
    for place in problems:
        cells = {
            name: values[place].as_py()
            for name, values in zip(layout.columns, columns, strict=True)
            if values is not None
        }
        shown[place] = json.dumps(cells, ensure_ascii=False)
    return shown
