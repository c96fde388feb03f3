"""A day taken from one table into another of the same columns, file by file: no row is read or written."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pyspark.sql import SparkSession

from uae_model.lake import files
from uae_model.lake.commits import commit_files
from uae_model.lake.log import files_of_day

if TYPE_CHECKING:
    from uae_model.lake.store import TableStore

MOST_BYTES = 64 * 2**30
"""The driver carries the files; what is more than this is better written by all executors."""

FILES_AT_ONCE = 8


def copy_day(
    store: TableStore, source: str, target: str, day: date, version: int, metadata: dict[str, Any]
) -> bool:
    """Replace a day of a table by the files that another has of it, in one commit.

    The commit takes the statistics of the files over.

    Args:
        store: the tables.
        source: has the same columns, types and constraints as ``target``.
        target: whose day is replaced.
        day: of both.
        version: of ``source``.
        metadata: stored in the commit.

    Returns:
        False, and nothing is done, where the files cannot be taken as they are: rows of them are marked as
        deleted, they lie outside the table, their rows are not counted, or they are very large.

    Raises:
        ContractError: naming a file that cannot be copied.
    """
    store.ensure(target)
    added = files_of_day(store.spark, store.path(source), day, version)
    if added is None or not _can_be_taken(added):
        return False
    renamed = {add["path"]: _new_name(number, add["path"]) for number, add in enumerate(added)}
    _copy(store.spark, store.path(source), store.path(target), renamed)
    with store.recorded(target, {"dt": day.isoformat(), **metadata}):
        moved = [{**add, "path": renamed[add["path"]]} for add in added]
        commit_files(store.spark, store.path(target), moved, day)
    return True


def _can_be_taken(added: list[dict[str, Any]]) -> bool:
    are_counted = all("numRecords" in json.loads(add.get("stats") or "{}") for add in added)
    return are_counted and sum(add["size"] for add in added) <= MOST_BYTES


def _new_name(number: int, path: str) -> str:
    """Return a path that no file of a table has had: an old one of the same name may wait for its vacuum."""
    folder, _, name = path.rpartition("/")
    suffix = name.partition(".")[2]
    return f"{folder}/part-{number:05d}-{uuid.uuid4()}.{suffix}"


def _copy(spark: SparkSession, source: str, target: str, renamed: dict[str, str]) -> None:
    def copied(pair: tuple[str, str]) -> None:
        # The log writes paths as those of addresses.
        old, new = (f"{root}/{unquote(path)}" for root, path in zip((source, target), pair, strict=True))
        files.copy(spark, old, new)

    with ThreadPoolExecutor(FILES_AT_ONCE) as copies:
        list(copies.map(copied, renamed.items()))
