"""From rows of a dimension's feed to statements: what an entity's attributes are from a time on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from uae_model.config import Dimension
from uae_model.core.errors import InputError
from uae_model.ingest.feed import Slot
from uae_model.ingest.files import Layout
from uae_model.ingest.forgotten import NOBODY
from uae_model.ingest.listing import Listing
from uae_model.ingest.parse import as_text
from uae_model.ingest.raw import read_files
from uae_model.ingest.raw_batches import never_set
from uae_model.ingest.statement_rows import StatementRules, parsed_statements, statement_schema
from uae_model.ingest.values import completed


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
    text = as_text(completed(rows))
    rules = statement_rules(dimension, text.select("fields.*").columns, key, forgotten)

    def parsed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (parsed_statements(batch, rules) for batch in batches)

    return text.mapInArrow(parsed, from_arrow_schema(statement_schema(rules)))


def statement_rules(
    dimension: Dimension, available: Sequence[str], key: bytes, forgotten: frozenset[str] = NOBODY
) -> StatementRules:
    """Return what makes a statement of a row.

    Args:
        dimension: the column map and the attributes.
        available: the source columns that the feed has.
        key: the HMAC key.
        forgotten: as for ``parse_statements``.

    Raises:
        InputError: if the feed lacks a column.
    """
    return StatementRules(
        entity=dimension.key,
        sources={target: _source(target, dimension, available) for target in dimension.targets},
        numeric={name: kind == "numeric" for name, kind in dimension.attributes.items()},
        time_format=dimension.time_format,
        unset=never_set(dimension.earliest_date, f"earliest_date of dimension {dimension.table}", "is"),
        is_user=dimension.entity == "user",
        key=key,
        forgotten=forgotten,
    )


def _no_column(target: str, dimension: Dimension, columns: str) -> str:
    return (
        f"the feed of dimension {dimension.table} has no column "
        f"{dimension.source_column(target)!r} for {target}; its "
        f"columns are {columns}; set {_setting(dimension)}"
    )


def _source(target: str, dimension: Dimension, available: Sequence[str]) -> str:
    source = dimension.source_column(target)
    if source not in available:
        raise InputError(_no_column(target, dimension, ", ".join(available)))
    return source


def _setting(dimension: Dimension) -> str:
    return f"columns of dimension {dimension.table}"
