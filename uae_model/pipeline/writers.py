"""Who may write tables: on S3 one process at a time, since Delta keeps no two of them apart there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from uae_model.core.filesystems import is_on_s3
from uae_model.core.locks import alone_in
from uae_model.lake import TableStore

SINGLE_DRIVER = "io.delta.storage.S3SingleDriverLogStore"
"""Delta's own choice for S3: its commits exclude each other within one driver only."""

WRITERS_LEASE = "_writers"


@contextmanager
def alone_writing(store: TableStore) -> Iterator[None]:
    """Hold, for the block, what lets no other process write the tables; nothing where Delta sees to it.

    Delta sees to it on every other storage, and on S3 by a LogStore for many writers.

    Raises:
        AnotherRunError: if another process writes them, naming it.
    """
    tables = store.config.paths.tables.rstrip("/")
    if not is_on_s3(tables) or _keeps_writers_apart(store, tables.partition("://")[0]):
        yield
        return
    with alone_in(f"{tables}/{WRITERS_LEASE}", f"writing to {tables}"):
        yield


def _keeps_writers_apart(store: TableStore, scheme: str) -> bool:
    """Tell whether the session has a LogStore other than the one for a single driver."""
    keys = (f"spark.delta.logStore.{scheme}.impl", "spark.delta.logStore.class")
    named = [store.spark.conf.get(key, None) for key in keys]
    return any(name is not None and name != SINGLE_DRIVER for name in named)
