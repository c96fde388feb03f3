"""Parsed rows of a slot, kept so that its files are read and parsed once, whatever is asked of them later.

A worker that has parsed a batch hands on its good rows as one binary, in Arrow's own format for such, and
tells beside it what the driver wants to know. So Spark keeps a few large values in place of many small ones,
which costs a tenth of a cache of rows; it spills them to disk like those.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import from_arrow_schema

from uae_model.ingest.distribute import Batches
from uae_model.ingest.event_files import files_of, write_batches
from uae_model.ingest.event_rows import EventParser, EventRules, event_schema
from uae_model.ingest.files import Report
from uae_model.ingest.forgotten import FORGOTTEN
from uae_model.ingest.reports import kept
from uae_model.ingest.typed_values import holds, is_null
from uae_model.lake.data_files import DataFile, FileForm

Choice = Callable[[pa.RecordBatch], pa.Array]
"""Tells which rows of a batch are meant, by its ``DECIDING`` columns."""

DECIDING = ("event_id", "dt")

TEXT, COUNT = pa.string(), pa.int64()

PACKED = pa.schema(
    [
        *[(name, TEXT) for name in ("source", "report", "raw", "reason", "value", "days")],
        *[(name, COUNT) for name in ("rows", "bad", "forgotten")],
        ("events", pa.binary()),
    ]
)
"""One row a batch and file with its counts and good rows, one for each bad row, one for each report.

``days`` is JSON: how many of the good rows fall on which day.
"""


@dataclass(frozen=True)
class Doubt:
    """Which rows of a slot are not taken as they are.

    Attributes:
        repeated: ids of events that stand more than once.
        few: days on which few rows fall.
    """

    repeated: frozenset[str]
    few: frozenset[date]

    def __bool__(self) -> bool:
        return bool(self.repeated or self.few)


@dataclass(frozen=True)
class Packer:
    """Parses batches of raw rows and packs them; what tasks run."""

    rules: EventRules

    def packed(self, batches: Iterable[pa.RecordBatch]) -> Batches:
        """Yield what has become of each batch, as ``PACKED`` says."""
        parser = EventParser(self.rules)
        schema = event_schema(self.rules.features)
        for batch in batches:
            yield packed(parser.parsed(batch), schema)


def packed(parsed: pa.RecordBatch, events: pa.Schema) -> pa.RecordBatch:
    """Return parsed rows, packed.

    Args:
        parsed: as ``event_rows.parsed_schema`` says.
        events: the columns of a good row.
    """
    is_row = is_null(parsed["report"])
    is_bad = ~is_null(parsed["reason"])
    is_forgotten = holds(parsed[FORGOTTEN])
    good = parsed.filter(pa.array(is_row & ~is_bad & ~is_forgotten)).select(events.names)
    rows = [
        {"source": source, "rows": count}
        for source, count in _counts(parsed["source"].filter(pa.array(is_row))).items()
    ]
    if rows:
        rows[0] |= {
            "bad": int((is_bad & ~is_forgotten).sum()),
            "forgotten": int(is_forgotten.sum()),
            "days": json.dumps({str(day): count for day, count in _counts(good["dt"]).items()}),
            "events": _as_binary(good),
        }
    told = parsed.filter(pa.array(~is_row | (is_bad & ~is_forgotten)))
    rows += told.select(["source", "report", "raw", "reason", "value"]).to_pylist()
    return pa.RecordBatch.from_pylist(rows, PACKED)


def unpack(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    names: Sequence[str],
    chosen: Choice | None,
) -> Batches:
    """Yield the good rows that some binaries hold, only these columns of them, and those that are chosen.

    Columns that nobody asks for stay packed.

    Args:
        batches: of binaries.
        schema: of a good row.
        names: the columns.
        chosen: tells rows by ``DECIDING`` columns; None for all rows.
    """
    for batch in batches:
        for binary in batch.column(0):
            if chosen is None:
                yield _columns_of(binary, schema, names)
                continue
            wanted = chosen(_columns_of(binary, schema, DECIDING))
            count = pc.sum(wanted).as_py()
            if count:
                rows = _columns_of(binary, schema, names)
                yield rows if count == rows.num_rows else rows.filter(wanted)


def _columns_of(binary: pa.BinaryScalar, schema: pa.Schema, names: Sequence[str]) -> pa.RecordBatch:
    options = pa.ipc.IpcReadOptions(included_fields=sorted(schema.get_field_index(name) for name in names))
    with pa.ipc.open_stream(binary.as_buffer(), options=options) as stream:
        return stream.read_next_batch().select(names)


def _counts(values: pa.Array) -> dict[object, int]:
    return {item["values"]: item["counts"] for item in pc.value_counts(values).to_pylist()}


def _as_binary(rows: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, rows.schema, options=options) as stream:
        stream.write_batch(rows)
    return bytes(sink.getvalue())


@dataclass(frozen=True)
class PackedSlot:
    """What a slot brings: read, parsed and packed once.

    Attributes:
        frame: as ``PACKED`` says, kept by Spark.
        schema: of a good row.
    """

    frame: DataFrame
    schema: pa.Schema

    @cached_property
    def _told(self) -> list[Row]:
        """What is known of batches and files; this reads and parses the files."""
        told = self.frame.where(F.col("rows").isNotNull() | F.col("report").isNotNull())
        return told.select("source", "report", "rows", "bad", "forgotten", "days").collect()

    @property
    def reports(self) -> list[Report]:
        """The reports of the files, one for each part of one."""
        return [Report.of_text(row["report"]) for row in self._told if row["report"] is not None]

    @property
    def arrived(self) -> Counter[str]:
        """The rows of each file that arrived here."""
        counts = Counter[str]()
        for row in self._told:
            counts[row["source"]] += row["rows"] or 0
        return counts

    @property
    def bad(self) -> int:
        """How many rows are no events, those of forgotten users left out."""
        return sum(row["bad"] or 0 for row in self._told)

    @property
    def forgotten(self) -> int:
        """How many rows are of users who were forgotten, or name one."""
        return sum(row["forgotten"] or 0 for row in self._told)

    @property
    def days(self) -> Counter[date]:
        """How many good rows fall on which day."""
        counts = Counter[date]()
        for row in self._told:
            for day, count in json.loads(row["days"] or "{}").items():
                counts[date.fromisoformat(day)] += count
        return counts

    @property
    def bad_rows(self) -> DataFrame:
        """The rows that are no events: ``source``, ``raw``, ``reason`` and ``value``."""
        return self.frame.where(F.col("reason").isNotNull()).select("source", "raw", "reason", "value")

    def events(self, names: Sequence[str] | None = None) -> DataFrame:
        """Return the good rows, all columns of them or some."""
        return self._unpacked(names or self.schema.names, None)

    def in_doubt(self, doubt: Doubt, *, whether: bool = True) -> DataFrame:
        """Return the good rows that are in doubt, or with ``whether`` False all others."""
        return self._unpacked(self.schema.names, choice(doubt, whether=whether))

    def write_files(self, doubt: Doubt, form: FileForm, same: Mapping[str, str]) -> list[DataFile]:
        """Write the good rows that are not in doubt into files, each task those that it has.

        Args:
            doubt: tells the others.
            form: of the files.
            same: columns that have one value in every row.
        """
        schema, others = self.schema, choice(doubt, whether=False)

        def written(batches: Iterable[pa.RecordBatch]) -> Batches:
            yield write_batches(form, unpack(batches, schema, schema.names, others), same)

        return files_of(self._binaries, written)

    @property
    def _binaries(self) -> DataFrame:
        return self.frame.where(F.col("events").isNotNull()).select("events")

    def _unpacked(self, names: Sequence[str], chosen: Choice | None) -> DataFrame:
        packed = self.schema

        def unpacked(batches: Iterable[pa.RecordBatch]) -> Batches:
            return unpack(batches, packed, names, chosen)

        schema = pa.schema([packed.field(name) for name in names])
        return self._binaries.mapInArrow(unpacked, from_arrow_schema(schema))


def choice(doubt: Doubt, *, whether: bool) -> Choice:
    """Return what tells the rows that are in doubt, or with ``whether`` False all others."""
    ids, days = pa.array(sorted(doubt.repeated), TEXT), pa.array(sorted(doubt.few), pa.date32())

    def chosen(rows: pa.RecordBatch) -> pa.Array:
        doubtful = pc.or_(pc.is_in(rows["event_id"], ids), pc.is_in(rows["dt"], days))
        return doubtful if whether else pc.invert(doubtful)

    return chosen


@contextmanager
def kept_packed(frame: DataFrame, rules: EventRules) -> Iterator[PackedSlot]:
    """Keep packed rows while the block uses them."""
    with kept(frame) as held:
        yield PackedSlot(held, event_schema(rules.features))
