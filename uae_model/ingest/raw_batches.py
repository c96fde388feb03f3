"""Batches of raw rows, as workers judge them: their fields, what is wrong with them, how they are shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from uae_model.ingest.files.layout import NOT_SPLIT
from uae_model.ingest.forgotten import FORGOTTEN
from uae_model.ingest.typed_values import (
    Mask,
    ValueFault,
    holds,
    is_null,
    micros_since_epoch,
    reasons_and_values,
    shown_instants,
    sparse,
)

TOLD = tuple(
    pa.field(name, pa.bool_() if name == FORGOTTEN else pa.string())
    for name in ("source", "raw", FORGOTTEN, "report", "reason", "value")
)
"""What is known of a parsed row, before its own columns."""


@dataclass(frozen=True)
class Bound:
    """A time that is refused: before (or from) an instant in microseconds, and the kind of the fault."""

    micros: int
    is_before: bool
    kind: str
    unless_before: int | None = None
    """A time before this one has a fault of its own already."""


def never_set(earliest: date, setting: str, verb: str) -> Bound:
    """Return the bound below which a time is that of a clock that was never set."""
    first = micros_since_epoch(datetime.combine(earliest, time(), UTC))
    return Bound(first, True, f"{verb} before {setting} = {earliest}: was the clock set?")


def refused(start: pa.Array, bounds: Sequence[Bound]) -> list[ValueFault]:
    """Return the faults of times that lie outside of the bounds, in their order."""
    micros, shown = start.cast(pa.int64()), shown_instants(start)
    faults = []
    for bound in bounds:
        compare = pc.less if bound.is_before else pc.greater_equal
        rows = holds(compare(micros, bound.micros))
        if bound.unless_before is not None:
            rows &= ~holds(pc.less(micros, bound.unless_before))
        faults.append(ValueFault(rows, bound.kind, shown))
    return faults


class Fields:
    """The source columns of a batch, NULL where a row has no fields."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        fields = batch["fields"]
        self._columns = dict(zip((column.name for column in fields.type), fields.flatten(), strict=True))
        self._absent = pa.nulls(batch.num_rows, pa.string())
        self.is_split: Mask = ~is_null(fields)

    def __call__(self, source: str | None) -> pa.Array:
        """Return a column."""
        return self._absent if source is None else self._columns[source]


def reason_and_value(
    batch: pa.RecordBatch, is_split: Mask, faults: Sequence[ValueFault]
) -> tuple[pa.Array, pa.Array]:
    """Return what is wrong with rows and the values that show it, both NULL for a good one.

    A row with a ``problem`` of its own has that one alone; a report is no row and has none.
    """
    has_problem, is_row = ~is_null(batch["problem"]), is_null(batch["report"])
    kinds, values = reasons_and_values(faults, is_split & ~has_problem & is_row)
    unsplit = np.flatnonzero(~is_split & ~has_problem & is_row)
    kinds.update(dict.fromkeys(unsplit.tolist(), NOT_SPLIT))
    own = pa.array(has_problem | ~is_split)  # a value that its reader has told
    return (
        pc.coalesce(batch["problem"], sparse(kinds, batch.num_rows)),
        pc.coalesce(pc.if_else(own, batch["value"], None), sparse(values, batch.num_rows)),
    )


def shown_rows(batch: pa.RecordBatch, reason: pa.Array) -> pa.Array:
    """Return rows as they stood in their file; a bad one of a file without text as JSON of its columns."""
    lacking = np.flatnonzero(~is_null(reason) & is_null(batch["raw"]) & ~is_null(batch["fields"]))
    if not len(lacking):
        return batch["raw"]
    rows = batch["fields"].take(pa.array(lacking)).to_pylist()
    shown = {int(place): _as_json(row) for place, row in zip(lacking, rows, strict=True)}
    return pc.coalesce(batch["raw"], sparse(shown, batch.num_rows))


def _as_json(row: dict[str, str | None]) -> str:
    there = {name: value for name, value in row.items() if value is not None}
    return json.dumps(there, ensure_ascii=False, separators=(",", ":"))
