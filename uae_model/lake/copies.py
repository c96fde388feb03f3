"""A day taken from one table into another of the same columns, file by file: no row is read or written."""

from __future__ import annotations

import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pyspark.sql import SparkSession

from uae_model.lake import files
from uae_model.lake.log import delta_log, snapshot_of

if TYPE_CHECKING:
    from uae_model.lake.store import TableStore

MOST_BYTES = 64 * 2**30
"""The driver carries the files; what is more than this is better written by all executors."""

FILES_AT_ONCE = 8

OUTSIDE = re.compile(r"^(/|[A-Za-z][A-Za-z0-9+.-]*:)")
"""How the path of a file begins that lies outside its table, as a shallow clone has them."""


def copy_day(
    store: TableStore, source: str, target: str, day: date, version: int, metadata: dict[str, Any]
) -> bool:
    """Replace a day of a table by the files that another has of it, in one commit.

    The commit takes the statistics of the files over. It is made by Delta's own transaction
    (``OptimisticTransaction``), so a writer who changed the same day meanwhile is told and nothing is lost.

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
    added = _files_of(store.spark, store.path(source), day, version)
    if not _can_be_taken(added):
        return False
    renamed = {add["path"]: _new_name(number, add["path"]) for number, add in enumerate(added)}
    _copy(store.spark, store.path(source), store.path(target), renamed)
    with store.recorded(target, {"dt": day.isoformat(), **metadata}):
        _commit(
            store.spark, store.path(target), day, [{**add, "path": renamed[add["path"]]} for add in added]
        )
    return True


def _files_of(spark: SparkSession, path: str, day: date, version: int) -> list[dict[str, Any]]:
    """Return what the log of a table says of the files that a version of it has of a day."""
    of_all_days = snapshot_of(spark, path, version).allFiles()
    listed = of_all_days.filter(f"partitionValues['dt'] = '{day.isoformat()}'").collectAsList()
    return sorted((json.loads(file.json())["add"] for file in listed), key=lambda add: str(add["path"]))


def _can_be_taken(added: list[dict[str, Any]]) -> bool:
    are_plain = all(
        "deletionVector" not in add
        and not OUTSIDE.match(add["path"])
        and "numRecords" in json.loads(add.get("stats") or "{}")
        for add in added
    )
    return are_plain and sum(add["size"] for add in added) <= MOST_BYTES


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


def _commit(spark: SparkSession, path: str, day: date, added: list[dict[str, Any]]) -> None:
    """Put files in the place of those that a table has of a day."""
    delta, scala = _delta(spark), spark._jvm.scala.jdk.javaapi.CollectionConverters  # type: ignore[union-attr]
    transaction = delta_log(spark, path).startTransaction()
    of_day = spark._jsparkSession.sessionState().sqlParser().parseExpression(f"dt = DATE'{day.isoformat()}'")
    # What it has read here, nobody else may change before the commit.
    replaced = transaction.filterFiles(scala.asScala([of_day]).toSeq(), False)
    actions = [*(file.remove() for file in scala.asJava(replaced)), *(as_action(spark, add) for add in added)]
    operation = getattr(getattr(delta, "DeltaOperations$ManualUpdate$"), "MODULE$")
    transaction.commit(scala.asScala(actions).toSeq(), operation)


def as_action(spark: SparkSession, add: dict[str, Any]):  # type: ignore[no-untyped-def]  # py4j objects have no types
    """Return an action of Delta's log by what the log says of it."""
    return getattr(getattr(_delta(spark).actions, "Action$"), "MODULE$").fromJson(json.dumps({"add": add}))


def _delta(spark: SparkSession):  # type: ignore[no-untyped-def]  # py4j objects have no types
    return spark._jvm.org.apache.spark.sql.delta  # type: ignore[union-attr]
