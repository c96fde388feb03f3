"""What is read of a file, and the form in which its rows leave the parser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pyarrow as pa

Form = Literal[
    "csv",
    "jsonl",
    "parquet",
    "lines",
    "json_arrays",
    "30music_sessions",
    "30music_loves",
    "30music_tracks",
]

NOT_SPLIT = "the row cannot be split into columns"
BAD_QUOTES = "a quote is not closed, or text stands after one"
NO_OBJECT = "the line is no JSON object"
NOT_UTF8 = "the text is not UTF-8"
NOT_EXACT = "an id is a number above 2^53, which is no longer exact"
DAMAGED = "the file is damaged here"
NO_ENTRY = "the entry is no JSON object"

LARGEST_EXACT = 2**53
"""The largest whole number up to which a floating-point number stands for one id alone."""


Problem = tuple[str, str | None]
"""The kind of a fault, in words, and the value that shows it."""

Problems = dict[int, Problem]
"""Faults by the place of their row."""


class UnreadableFileError(Exception):
    """A file as a whole is not what the configuration says: in words, with what to do."""


@dataclass(frozen=True)
class FilePart:
    """A file, or one of several parts of a large one that are read by tasks of their own.

    Attributes:
        path: where it lies, as the storage names it.
        name: what the source of its rows is called: the slot and the path below it.
        size: of the whole file, in bytes.
        part: which part, from 0 on.
        parts: how many there are.
        listener: the folder that stands for the listener, in exports that name nobody.
    """

    path: str
    name: str
    size: int
    part: int = 0
    parts: int = 1
    listener: str = ""


@dataclass(frozen=True)
class Layout:
    """What is read of the files of a slot.

    Attributes:
        form: of the files.
        columns: the source columns that are read, in this order.
        required: those that every file must have.
        ids: those whose values name something, so that 7.0 is 7.
        labels: those of typed numbers of which 7.0 is 7, where that is exact.
        instant: the column that holds a time.
        encoding: of text.
        delimiter: of CSV.
        quote: what stands around a value of CSV that holds a delimiter or a line break.
        escape: what stands before a sign of CSV that is meant literally; empty where quotes are doubled.
        setting: where a user names the source columns, for an error.
        encoding_setting: where a user names the encoding.
    """

    form: Form
    columns: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    instant: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    setting: str = "[feed.columns]"
    encoding_setting: str = "feed.encoding"


@dataclass(frozen=True)
class Report:
    """What a task says of the part of a file that it read: one extra row, in the column ``report``.

    Attributes:
        file: its name.
        part: which part of it.
        rows: how many rows it gave.
        error: why the file cannot be read at all; empty where it can.
        columns: the columns that it has, where the format tells: Parquet and CSV.
        absent: the columns that are read and that it lacks; of JSON lines, those that hold nothing.
        usernames: the names that its entries carry, hashed, in exports that may name a listener.
        listener: the folder that stands for the listener there.
    """

    file: str
    part: int
    rows: int
    error: str = ""
    columns: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()
    listener: str = ""

    def to_text(self) -> str:
        """Return the report as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Report:
        """Read what ``to_text`` wrote."""
        stored: dict[str, Any] = json.loads(text)
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        return cls(**fields)


def batch_schema(columns: Sequence[str]) -> pa.Schema:
    """Return the schema of the batches that a parser yields."""
    text = pa.string()
    return pa.schema(
        [
            *[(name, text) for name in ("source", "raw", "problem", "value", "report")],
            ("instant", pa.timestamp("us", "UTC")),
            ("fields", pa.struct([(name, text) for name in columns])),
        ]
    )


@dataclass
class Rows:
    """Rows that a parser has ready: text, or arrays, of one length each.

    Attributes:
        columns: the values of each column of the layout, None where all are missing.
        raw: the rows as they stand in the file; None where the columns are all there is.
        problems: what is wrong with a row, and the value that shows it, by the row's place.
        instants: the times of a file that types them.
    """

    count: int
    columns: Sequence[Any]
    raw: Sequence[str | None] | None = None
    problems: Problems = field(default_factory=dict)
    instants: pa.Array | None = None


def to_batch(rows: Rows, source: str, layout: Layout) -> pa.RecordBatch:
    """Return rows as a batch; those with a problem have no fields."""
    schema = batch_schema(layout.columns)
    text = pa.string()
    arrays = [_array(values, rows.count) for values in rows.columns]
    kinds = _sparse({place: kind for place, (kind, _) in rows.problems.items()}, rows.count)
    values = _sparse({place: value for place, (_, value) in rows.problems.items()}, rows.count)
    mask = kinds.is_valid() if rows.problems else None
    names = list(layout.columns)
    if names:
        fields = pa.StructArray.from_arrays(arrays, fields=list(schema.field("fields").type), mask=mask)
    else:
        fields = pa.nulls(rows.count, schema.field("fields").type)
    instants = pa.nulls(rows.count, schema.field("instant").type) if rows.instants is None else rows.instants
    raw = pa.nulls(rows.count, text) if rows.raw is None else pa.array(rows.raw, text)
    return pa.RecordBatch.from_arrays(
        [_repeated(source, rows.count), raw, kinds, values, pa.nulls(rows.count, text), instants, fields],
        schema=schema,
    )


def report_batch(report: Report, layout: Layout) -> pa.RecordBatch:
    """Return a batch of one row that holds a report and nothing else."""
    schema = batch_schema(layout.columns)
    empty = [pa.nulls(1, column.type) for column in schema]
    empty[schema.get_field_index("source")] = pa.array([report.file])
    empty[schema.get_field_index("report")] = pa.array([report.to_text()])
    return pa.RecordBatch.from_arrays(empty, schema=schema)


def _array(values: Any, count: int) -> pa.Array:
    if values is None:
        return pa.nulls(count, pa.string())
    return values if isinstance(values, pa.Array) else pa.array(values, pa.string())


def _sparse(values: dict[int, str | None], count: int) -> pa.Array:
    if not values:
        return pa.nulls(count, pa.string())
    return pa.array([values.get(place) for place in range(count)], pa.string())


def _repeated(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int8()), pa.array([text])).cast(
        pa.string()
    )
