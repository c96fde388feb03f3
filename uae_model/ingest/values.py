"""Single values of a feed: reading them, and saying why one cannot be read.

A check is a condition, the kind of fault in words, and the value that shows it. The words never hold the
value, so
that faults can be counted by kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.ingest.files.layout import NOT_SPLIT

EARLIEST_EPOCH_SECONDS = 0
LATEST_EPOCH_SECONDS = 4_102_444_800  # the year 2100; beyond it a number is no time

UNITS_OF_A_SECOND = {"epoch_seconds": 1, "epoch_millis": 1_000, "epoch_micros": 1_000_000}
"""How many units of an epoch's format are one second."""

TO_THE_MINUTE = r"^(\s*\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d{2})(?=[^\d:])"
"""Java leaves out seconds that are zero, as ISO 8601 allows; before a zone Spark wants them."""

JAVA_NUMBER = "[dDfFxX]"
"""What Java takes for part of a number and nobody else does: 30d and 30f are 30 there, 0x1p3 is 8."""

NO_ORDINARY_START = ("!", "\x80")
"""A text that holds blanks alone begins before the first of these signs, or not before the second."""

BLANKS_ALONE = r"^[\s\p{Z}\p{Cc}\p{Cf}]*$"
"""Tabs, blanks that do not break, wide ones, signs without a width: to a person such a value is empty."""

OPTIONAL_COLUMNS = {
    **dict.fromkeys(("raw", "problem", "value", "report"), "string"),
    "instant": "timestamp",
}
"""Columns of raw rows that a frame may leave out, with their types."""


@dataclass(frozen=True)
class RowFault:
    """A fault that a row may have: where it has it, its kind in words, and the value that shows it."""

    condition: Column
    kind: str
    value: Column | None = None


def completed(rows: DataFrame) -> DataFrame:
    """Return raw rows with all the columns that they may have."""
    missing = {name: kind for name, kind in OPTIONAL_COLUMNS.items() if name not in rows.columns}
    return rows.withColumns({name: F.lit(None).cast(kind) for name, kind in missing.items()})


def reason_and_value(checks: Sequence[RowFault]) -> tuple[Column, Column]:
    """Return what is wrong with a row and the values that show it, both NULL for a good row.

    A row with a ``problem`` of its own has that one alone; a report is no row and has none.
    """
    is_split = F.col("fields").isNotNull() & F.col("report").isNull()
    kinds = [F.when(fault.condition, F.lit(fault.kind)) for fault in checks]
    values = [F.when(fault.condition, fault.value) for fault in checks if fault.value is not None]
    unsplit = F.when(F.col("report").isNull() & ~is_split, F.lit(NOT_SPLIT))
    of_checks = F.when(is_split, F.nullif(F.concat_ws("; ", *kinds), F.lit("")))
    shown = F.when(is_split, F.nullif(F.concat_ws("; ", *values), F.lit("")))
    has_problem = F.col("problem").isNotNull()
    return (
        F.when(has_problem, F.col("problem")).otherwise(F.coalesce(of_checks, unsplit)),
        F.when(has_problem, F.col("value")).otherwise(F.coalesce(shown, F.when(~is_split, F.col("value")))),
    )


def shown_row(reason: Column) -> Column:
    """Return a row as it stood in its file; a bad one of a file without text as JSON of its columns."""
    return F.coalesce("raw", F.when(reason.isNotNull(), F.to_json("fields")))


def field(source: str) -> Column:
    """Return a source column, whatever signs its name has."""
    escaped = source.replace("`", "``")
    return F.col(f"fields.`{escaped}`")


def text_or_missing(value: Column) -> Column:
    """Return a value as text without the spaces around it, NULL where it holds nothing but blanks."""
    text = F.trim(value.cast("string"))
    first, last = NO_ORDINARY_START
    is_blank = ((text < first) | (text >= last)) & text.rlike(BLANKS_ALONE)
    return F.when(~is_blank, text)


def number_of(text: Column) -> Column:
    """Return a text as DOUBLE, NULL where it is no number."""
    return F.when(~text.rlike(JAVA_NUMBER), text.try_cast("double"))


def instant_of(value: Column, time_format: str) -> Column:
    """Return a time as TIMESTAMP, NULL where it cannot be read.

    Args:
        value: as delivered.
        time_format: iso, epoch_seconds, epoch_millis or epoch_micros.
    """
    if time_format == "iso":
        # Spark also casts a year alone, and a clock without a day to that time TODAY.
        text = value.cast("string")
        has_day = text.rlike(r"^\s*\d{4}-\d{1,2}-\d{1,2}")
        with_seconds = F.regexp_replace(text, TO_THE_MINUTE, "$1:00").try_cast("timestamp")
        return F.when(has_day, F.coalesce(value.try_cast("timestamp"), with_seconds))
    seconds = number_of(value.cast("string")) / UNITS_OF_A_SECOND[time_format]
    is_time = seconds.between(EARLIEST_EPOCH_SECONDS, LATEST_EPOCH_SECONDS)
    return F.timestamp_micros(F.when(is_time, F.round(seconds * 1_000_000)).cast("long"))


def missing(value: Column, name: str) -> RowFault:
    """Check that a row that has fields has this value."""
    return RowFault(value.isNull(), f"{name} is missing")


def unreadable(value: Column, parsed: Column, name: str) -> RowFault:
    """Check that a value that is there was understood."""
    return RowFault(value.isNotNull() & parsed.isNull(), f"{name} cannot be read", value.cast("string"))


def never_set(start: Column, earliest: date, setting: str, verb: str) -> RowFault:
    """Check that a time is not that of a clock that was never set."""
    first = F.lit(datetime.combine(earliest, time(), UTC))
    kind = f"{verb} before {setting} = {earliest}: was the clock set?"
    return RowFault(start < first, kind, start.cast("string"))


def unreadable_number(value: Column, number: Column, name: str) -> RowFault:
    """Check that a text that is there is a finite number."""
    bad = number.isNull() | F.isnan(number) | (F.abs(number) == float("inf"))
    return RowFault(value.isNotNull() & bad, f"{name} is no number", value)
