"""Single values of a feed: reading them, and saying why one cannot be read.

A check gives NULL for a good value and a sentence for a bad one.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

EARLIEST_EPOCH_SECONDS = 0
LATEST_EPOCH_SECONDS = 4_102_444_800  # the year 2100; beyond it a number is no time


def instant_of(value: Column, time_format: str) -> Column:
    """Return a time as TIMESTAMP, NULL where it cannot be read.

    Args:
        value: as delivered.
        time_format: iso, epoch_seconds or epoch_millis.
    """
    if time_format == "iso":
        # Spark also casts a year alone, and a clock without a day to that time TODAY.
        has_day = value.cast("string").rlike(r"^\s*\d{4}-\d{1,2}-\d{1,2}")
        return F.when(has_day, value.try_cast("timestamp"))
    scale = 1 if time_format == "epoch_seconds" else 1000
    seconds = value.try_cast("double") / scale
    is_time = seconds.between(EARLIEST_EPOCH_SECONDS, LATEST_EPOCH_SECONDS)
    return F.timestamp_micros(F.when(is_time, F.round(seconds * 1_000_000)).cast("long"))


def problem_of(rows: DataFrame) -> Column:
    """Return why a row without fields has none."""
    unsplit = F.lit("the row cannot be split into columns")
    return F.coalesce("problem", unsplit) if "problem" in rows.columns else unsplit


def missing(value: Column, name: str) -> Column:
    """Check that a row that has fields has this value."""
    return F.when(F.col("fields").isNotNull() & value.isNull(), F.lit(f"{name} is missing"))


def unreadable(value: Column, parsed: Column, name: str) -> Column:
    """Check that a value that is there was understood."""
    shown = F.concat(F.lit(f"{name} cannot be read: "), value.cast("string"))
    return F.when(value.isNotNull() & parsed.isNull(), shown)


def unreadable_number(value: Column, name: str) -> Column:
    """Check that a text that is there is a finite number."""
    number = value.try_cast("double")
    bad = number.isNull() | F.isnan(number) | (F.abs(number) == float("inf"))
    return F.when(value.isNotNull() & bad, F.concat(F.lit(f"{name} is no number: "), value))
