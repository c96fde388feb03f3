"""From rows of a dimension's feed to statements: what an entity's attributes are from a time on."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Dimension
from uae_model.config.dimensions import VALID_FROM
from uae_model.core.errors import InputError
from uae_model.ingest.feed import Slot
from uae_model.ingest.files import Layout
from uae_model.ingest.forgotten import FORGOTTEN, NOBODY, is_forgotten
from uae_model.ingest.identity import pseudonymise
from uae_model.ingest.listing import Listing
from uae_model.ingest.raw import read_files
from uae_model.ingest.values import (
    completed,
    field,
    instant_of,
    missing,
    never_set,
    number_of,
    reason_and_value,
    shown_row,
    text_or_missing,
    unreadable,
    unreadable_number,
)


def read_statements(spark: SparkSession, slot: Slot, dimension: Dimension, listing: Listing) -> DataFrame:
    """Return the rows of files of a dimension, and a report of each file, as ``read_slot`` does."""
    return read_files(spark, slot, listing, statements_layout(dimension))


def statements_layout(dimension: Dimension) -> Layout:
    """Return what is read of the files of a dimension."""
    columns = [dimension.source_column(target) for target in dimension.targets]
    return Layout(
        form=dimension.format,
        columns=tuple(dict.fromkeys(columns)),
        required=tuple(columns[:2]),
        ids=frozenset(columns[:1]),
        labels=frozenset(
            dimension.source_column(name)
            for name, kind in dimension.attributes.items()
            if kind == "categorical"
        ),
        instant=columns[1],
        encoding=dimension.encoding,
        delimiter=dimension.delimiter,
        quote=dimension.quote,
        escape=dimension.escape,
        setting=_setting(dimension),
        encoding_setting=f"encoding of dimension {dimension.table}",
    )


def needed_statement_columns(dimension: Dimension) -> dict[str, str]:
    """Return what to say where no file of a slot has an attribute, by its name in the feed."""
    return {
        dimension.source_column(name): _no_column(name, dimension, "{columns}")
        for name in dimension.attributes
    }


def parse_statements(
    rows: DataFrame, dimension: Dimension, key: bytes, forgotten: frozenset[str] = NOBODY
) -> DataFrame:
    """Turn raw rows into typed statements.

    Args:
        rows: ``source``, ``fields`` and perhaps the others that ``read_statements`` gives.
        dimension: the column map and the attributes.
        key: the HMAC key; user ids become the pseudonyms that ``events`` has.
        forgotten: digests of users whose rows are marked as ``forgotten``.

    Returns:
        ``source``, ``raw``, ``report``, ``reason`` and ``value`` (NULL for a good row), ``forgotten``, the
        entity's id, ``valid_from`` and the attributes. A blank attribute is null: the row states that it is
        not known.

    Raises:
        InputError: if the feed lacks a column.
    """
    whole = completed(rows)
    available = whole.select("fields.*").columns
    entity = _text(dimension.key, dimension, available)
    stated_at = _field(VALID_FROM, dimension, available)
    valid_from = F.coalesce("instant", instant_of(stated_at, dimension.time_format))
    texts = {name: _text(name, dimension, available) for name in dimension.attributes}
    numeric = [name for name, kind in dimension.attributes.items() if kind == "numeric"]
    reason, value = reason_and_value(
        [
            missing(entity, dimension.key),
            missing(stated_at, VALID_FROM),
            unreadable(stated_at, valid_from, VALID_FROM),
            never_set(
                valid_from, dimension.earliest_date, f"earliest_date of dimension {dimension.table}", "is"
            ),
            *[
                unreadable_number(texts[name], number_of(texts[name]), f"attribute {name}")
                for name in numeric
            ],
        ]
    )
    user_id = entity if dimension.entity == "user" else F.lit(None).cast("string")
    return whole.select(
        "source",
        shown_row(reason).alias("raw"),
        is_forgotten(user_id, shown_row(reason), reason, forgotten, key).alias(FORGOTTEN),
        "report",
        reason.alias("reason"),
        value.alias("value"),
        (pseudonymise(entity, key) if dimension.entity == "user" else entity).alias(dimension.key),
        valid_from.alias(VALID_FROM),
        *[(_number(text) if name in numeric else text).alias(name) for name, text in texts.items()],
    )


def _no_column(target: str, dimension: Dimension, columns: str) -> str:
    return (
        f"the feed of dimension {dimension.table} has no column "
        f"{dimension.source_column(target)!r} for {target}; its "
        f"columns are {columns}; set {_setting(dimension)}"
    )


def _field(target: str, dimension: Dimension, available: list[str]) -> Column:
    source = dimension.source_column(target)
    if source not in available:
        raise InputError(_no_column(target, dimension, ", ".join(available)))
    return field(source)


def _text(target: str, dimension: Dimension, available: list[str]) -> Column:
    """Return a column as text, blank as NULL."""
    return text_or_missing(_field(target, dimension, available))


def _number(text: Column) -> Column:
    number = number_of(text)
    return F.when(number == 0, 0.0).otherwise(number)  # -0.0 equals 0.0, yet is another byte


def _setting(dimension: Dimension) -> str:
    return f"columns of dimension {dimension.table}"
