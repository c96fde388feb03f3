"""Single values of a feed in Spark's queries, for datasets whose rows Spark puts together.

``typed_values`` reads the values of all feeds.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

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


def completed(rows: DataFrame) -> DataFrame:
    """Return raw rows with all the columns that they may have."""
    missing = {name: kind for name, kind in OPTIONAL_COLUMNS.items() if name not in rows.columns}
    return rows.withColumns({name: F.lit(None).cast(kind) for name, kind in missing.items()})


def text_or_missing(value: Column) -> Column:
    """Return a value as text without the spaces around it, NULL where it holds nothing but blanks."""
    text = F.trim(value.cast("string"))
    first, last = NO_ORDINARY_START
    is_blank = ((text < first) | (text >= last)) & text.rlike(BLANKS_ALONE)
    return F.when(~is_blank, text)


def number_of(text: Column) -> Column:
    """Return a text as DOUBLE, NULL where it is no number."""
    return F.when(~text.rlike(JAVA_NUMBER), text.try_cast("double"))
