"""Rows of a dimension's feed into typed statements, column by column, as workers do it: without Spark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from uae_model.config.dimensions import VALID_FROM
from uae_model.ingest.forgotten import FORGOTTEN, NOBODY, forgotten_rows
from uae_model.ingest.identity import user_digest
from uae_model.ingest.raw_batches import TOLD, Bound, Fields, reason_and_value, refused, shown_rows
from uae_model.ingest.typed_values import (
    INSTANT,
    by_distinct,
    instants,
    is_null,
    missing,
    numbers,
    trimmed,
    unreadable,
    unreadable_number,
)


@dataclass(frozen=True)
class StatementRules:
    """What makes a statement of a row.

    Attributes:
        entity: the column of the entity's id.
        sources: the source column of the id, of ``valid_from`` and of each attribute.
        numeric: of each attribute, in their order, whether it is a number.
        time_format: of ``valid_from``.
        unset: the bound of clocks that were never set.
        is_user: whether ids are those of users, which become pseudonyms.
        key: the HMAC key.
        forgotten: digests of users whose rows are marked.
    """

    entity: str
    sources: Mapping[str, str]
    numeric: Mapping[str, bool]
    time_format: str
    unset: Bound
    is_user: bool
    key: bytes = field(repr=False)
    forgotten: frozenset[str] = NOBODY


def statement_schema(rules: StatementRules) -> pa.Schema:
    """Return the columns of parsed rows: ``TOLD``, the entity's id, ``valid_from`` and the attributes."""
    kinds = {name: pa.float64() if numeric else pa.string() for name, numeric in rules.numeric.items()}
    return pa.schema([*TOLD, (rules.entity, pa.string()), (VALID_FROM, INSTANT), *kinds.items()])


def parsed_statements(batch: pa.RecordBatch, rules: StatementRules) -> pa.RecordBatch:
    """Return rows as ``statement_schema`` says: typed, with the reasons of those that are no statements.

    Args:
        batch: raw rows, as ``files.layout.batch_schema`` says.
        rules: what makes a statement of one.
    """
    of = Fields(batch)
    entity, stated_at = trimmed(of(rules.sources[rules.entity])), of(rules.sources[VALID_FROM])
    valid_from = batch["instant"]
    if valid_from.null_count:
        valid_from = pc.coalesce(valid_from, instants(stated_at, rules.time_format))
    texts = {name: trimmed(of(rules.sources[name])) for name in rules.numeric}
    numeric = {name: numbers(texts[name]) for name, is_number in rules.numeric.items() if is_number}
    faults = [
        missing(entity, rules.entity),
        missing(stated_at, VALID_FROM),
        unreadable(stated_at, valid_from, VALID_FROM),
        *refused(valid_from, [rules.unset]),
        *[unreadable_number(texts[name], number, f"attribute {name}") for name, number in numeric.items()],
    ]
    reason, value = reason_and_value(batch, of.is_split, faults)
    raw = shown_rows(batch, reason)
    users = entity if rules.is_user else pa.nulls(batch.num_rows, pa.string())
    columns = {
        "source": batch["source"],
        "raw": raw,
        FORGOTTEN: forgotten_rows(users, raw, ~is_null(reason), rules.forgotten, rules.key),
        "report": batch["report"],
        "reason": reason,
        "value": value,
        rules.entity: by_distinct(entity, user_digest(rules.key), pa.string()) if rules.is_user else entity,
        VALID_FROM: valid_from,
        **texts,
        # -0.0 equals 0.0, yet is another byte.
        **{name: pc.add(number, 0.0) for name, number in numeric.items()},
    }
    schema = statement_schema(rules)
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
