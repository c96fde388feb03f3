"""Rows in quarantine as an operator with the key looks at them, to mend them and deliver them again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from uae_model.ingest.feed import Feed
from uae_model.ingest.known_key import known_key
from uae_model.ingest.sealing import opened
from uae_model.lake import NO_DAY, TableStore

TOLD = ("slot", "source", "row", "reason", "occurrences")


def quarantined_rows(store: TableStore, day: date, *, shows_rows: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the rows of the slots of a day that could not be read, by slot, source and reason.

    Args:
        store: the tables.
        day: of the slots; rows of static datasets, which belong to no day, come with every day.
        shows_rows: whether the row itself, and the values that show its faults, are told. They may hold the
            raw ids of users.

    Raises:
        ConfigError: if rows are to be shown and the key is missing, or is not the one of the tables.
        ContractError: if there is no table yet.
    """
    key = known_key(store) if shows_rows else None
    feeds = [Feed(store.spark, store.config, dimension) for dimension in (None, *store.config.dimensions)]
    days = [day, *([NO_DAY] if any(feed.is_static for feed in feeds) else [])]
    columns = [*TOLD, *(("value", "raw") if key else ())]
    rows = store.read("quarantine", days).select(columns).orderBy("slot", "source", "reason", "row")
    for row in rows.toLocalIterator():
        told = row.asDict()
        if key is not None:
            told |= {name: opened(row[name], key) for name in ("value", "raw")}
        yield told
