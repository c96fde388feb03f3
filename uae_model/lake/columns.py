"""The columns of which contracts consist."""

from __future__ import annotations

from pyspark.sql import types as T  # noqa: N812 - the usual name of pyspark's types

from uae_model.config import Feature

SESSION_FEATURE_TYPES: dict[str, T.DataType] = {
    "position": T.IntegerType(),
    "gap_seconds": T.DoubleType(),
    "session_minutes": T.DoubleType(),
    "hour_of_day": T.IntegerType(),
    "day_of_week": T.IntegerType(),
}


def feature_type(feature: Feature) -> T.DataType:
    """Return the column type of a feature: categorical text, numeric double, session features as derived."""
    if feature.origin == "session":
        return SESSION_FEATURE_TYPES.get(feature.source_column, T.IntegerType())
    return T.StringType() if feature.kind == "categorical" else T.DoubleType()


def column(name: str, kind: T.DataType, *, required: bool = False) -> T.StructField:
    """Return a column; one that is required holds no null."""
    return T.StructField(name, kind, nullable=not required)


def required(kind: T.DataType, *names: str) -> list[T.StructField]:
    """Return columns of one type, none of which may be null."""
    return [column(name, kind, required=True) for name in names]


def day_column() -> T.StructField:
    """Return the column that tables are partitioned by."""
    return column("dt", T.DateType(), required=True)
