"""From rows of a dimension's feed to statements: what an entity's attributes are from a time on."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Dimension
from uae_model.config.dimensions import VALID_FROM
from uae_model.core.errors import InputError
from uae_model.ingest.feed import Slot
from uae_model.ingest.identity import pseudonymise
from uae_model.ingest.raw import read_files
from uae_model.ingest.values import instant_of, missing, problem_of, unreadable, unreadable_number


def read_statements(spark: SparkSession, slot: Slot, dimension: Dimension) -> DataFrame:
    """Return the rows of a slot of a dimension as ``source``, ``raw`` and ``fields``.

    Raises:
        InputError: if the header of CSV files lacks the id or the time.
    """
    columns = [dimension.source_column(target) for target in dimension.targets]
    return read_files(spark, slot, dimension.format, columns, columns[:2], _setting(dimension))


def parse_statements(rows: DataFrame, dimension: Dimension, key: bytes) -> DataFrame:
    """Turn raw rows into typed statements.

    Args:
        rows: ``source``, ``raw`` and ``fields``, as ``read_statements`` gives them.
        dimension: the column map and the attributes.
        key: the HMAC key; user ids become the pseudonyms that ``events`` has.

    Returns:
        ``source``, ``raw``, ``reason`` (NULL for a good row), the entity's id, ``valid_from`` and the
        attributes. A blank attribute is null: the row states that it is not known.

    Raises:
        InputError: if the feed lacks a column.
    """
    available = rows.select("fields.*").columns
    entity = _text(dimension.key, dimension, available)
    stated_at = _field(VALID_FROM, dimension, available)
    valid_from = instant_of(stated_at, dimension.time_format)
    texts = {name: _text(name, dimension, available) for name in dimension.attributes}
    numeric = [name for name, kind in dimension.attributes.items() if kind == "numeric"]
    reason = F.concat_ws(
        "; ",
        F.when(F.col("fields").isNull(), problem_of(rows)),
        missing(entity, dimension.key),
        missing(stated_at, VALID_FROM),
        unreadable(stated_at, valid_from, VALID_FROM),
        *[unreadable_number(texts[name], f"attribute {name}") for name in numeric],
    )
    return rows.select(
        "source",
        "raw",
        F.nullif(reason, F.lit("")).alias("reason"),
        (pseudonymise(entity, key) if dimension.entity == "user" else entity).alias(dimension.key),
        valid_from.alias(VALID_FROM),
        *[(_number(text) if name in numeric else text).alias(name) for name, text in texts.items()],
    )


def _field(target: str, dimension: Dimension, available: list[str]) -> Column:
    source = dimension.source_column(target)
    if source not in available:
        raise InputError(
            f"the feed of dimension {dimension.table} has no column {source!r} for {target}; its columns are "
            f"{', '.join(available)}; set {_setting(dimension)}"
        )
    return F.col(f"fields.`{source}`")


def _text(target: str, dimension: Dimension, available: list[str]) -> Column:
    """Return a column as text, blank as NULL."""
    return F.nullif(F.trim(_field(target, dimension, available).cast("string")), F.lit(""))


def _number(text: Column) -> Column:
    number = text.try_cast("double")
    return F.when(number == 0, 0.0).otherwise(number)  # -0.0 equals 0.0, yet is another byte


def _setting(dimension: Dimension) -> str:
    return f"columns of dimension {dimension.table}"
