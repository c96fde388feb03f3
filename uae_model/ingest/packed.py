"""Parsed rows of a slot, kept so that its files are read and parsed once, whatever is asked of them later.

A worker that has parsed a batch hands on its good rows as one binary, in Arrow's own format for such, and
tells beside it what the driver wants to know. So Spark keeps a few large values in place of many small ones,
which costs a tenth of a cache of rows; it spills them to disk like those.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
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
from uae_model.ingest.event_rows import EventParser, EventRules, event_schema
from uae_model.ingest.files import Report
from uae_model.ingest.forgotten import FORGOTTEN
from uae_model.ingest.reports import kept
from uae_model.ingest.typed_values import holds, is_null

Choice = Callable[[pa.RecordBatch], pa.Array]
"""Tells which rows of a batch are meant."""

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
    names: Sequence[str],
    chosen: Callable[[pa.RecordBatch], pa.Array] | None,
) -> Batches:
    """Yield the good rows that some binaries hold, only these columns of them, and those that are chosen."""
    for batch in batches:
        for binary in batch.column(0):
            with pa.ipc.open_stream(binary.as_buffer()) as stream:
                for rows in stream:
                    yield (rows if chosen is None else rows.filter(chosen(rows))).select(names)


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

    def in_doubt(self, repeated: frozenset[str], few: Collection[date], *, whether: bool = True) -> DataFrame:
        """Return the good rows of events that stand more than once, and those of some days; or all others.

        Args:
            repeated: ids of events that stand more than once.
            few: the days.
            whether: False for all other rows.
        """
        ids, days = pa.array(sorted(repeated), pa.string()), pa.array(sorted(few), pa.date32())

        def chosen(rows: pa.RecordBatch) -> pa.Array:
            doubtful = pc.or_(pc.is_in(rows["event_id"], ids), pc.is_in(rows["dt"], days))
            return doubtful if whether else pc.invert(doubtful)

        return self._unpacked(self.schema.names, chosen)

    def _unpacked(self, names: Sequence[str], chosen: Choice | None) -> DataFrame:
        schema = pa.schema([self.schema.field(name) for name in names])

        def unpacked(batches: Iterable[pa.RecordBatch]) -> Batches:
            return unpack(batches, names, chosen)

        binaries = self.frame.where(F.col("events").isNotNull()).select("events")
        return binaries.mapInArrow(unpacked, from_arrow_schema(schema))


@contextmanager
def kept_packed(frame: DataFrame, rules: EventRules) -> Iterator[PackedSlot]:
    """Keep packed rows while the block uses them."""
    with kept(frame) as held:
        yield PackedSlot(held, event_schema(rules.features))
