"""What the commits of a Delta table changed, read from its log without a Spark job."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.delta_actions import days_with_other_rows
from uae_model.core.errors import ContractError

NO_DAY = date(1970, 1, 1)
"""Stands for the day of what has none: tables without days, and datasets that are one slot."""

APPENDED = "appended"
"""In what a commit recorded: its rows came beside those that the table held."""

WRITES = ("WRITE", "Manual Update")
"""What Delta calls the commits of rows that were written, and of files that were copied (``copies``)."""

OUTSIDE = re.compile(r"^(/|[A-Za-z][A-Za-z0-9+.-]*:)")
"""How the path of a file begins that lies outside its table, as a shallow clone has them."""


@dataclass(frozen=True)
class Change:
    """A commit: its time, the days whose rows it changed, and what its writer recorded with it.

    ``rows`` are those that it wrote, as the statistics of its files count them; None where one has none.

    OPTIMIZE and other commits that only move rows into other files change no day.
    """

    version: int
    at_ms: int
    operation: str
    days: frozenset[date]
    metadata: dict[str, Any]
    metrics: dict[str, Any]
    rows: int | None = None


@dataclass(frozen=True)
class DayFiles:
    """The data files of a day, or of all of a table without days (``NO_DAY``), and how many are small."""

    day: date
    files: int
    small_files: int


def latest_version(spark: SparkSession, path: str) -> int:
    """Return the newest version of the table at ``path``.

    Raises:
        ContractError: if there is no Delta table.
    """
    version = int(snapshot_of(spark, path).version())
    if version < 0:
        raise ContractError(f"there is no Delta table at {path}")
    return version


def table_properties(spark: SparkSession, path: str) -> dict[str, str]:
    """Return the properties of the table at ``path``, its constraints among them; starts no Spark job."""
    configuration = snapshot_of(spark, path).metadata().configuration()
    return dict(spark._jvm.scala.jdk.javaapi.CollectionConverters.asJava(configuration))  # type: ignore[union-attr]


def has_transaction(spark: SparkSession, path: str, name: str) -> bool:
    """Tell whether the table at ``path`` has a commit of this name (Delta's transaction identifiers)."""
    return bool(snapshot_of(spark, path).transactions().contains(name))


def snapshot_of(spark: SparkSession, path: str, version: int | None = None):  # type: ignore[no-untyped-def]  # py4j objects have no types
    """Return Delta's own view of the table at ``path``, of its newest version where none is given."""
    nothing = spark._jvm.scala.Option.apply(None)  # type: ignore[union-attr]
    log = delta_log(spark, path)
    newest = log.update(False, nothing, nothing)
    is_newest = version is None or newest.version() == version
    return newest if is_newest else log.getSnapshotAt(version, nothing, nothing, False)


def delta_log(spark: SparkSession, path: str):  # type: ignore[no-untyped-def]  # py4j objects have no types
    """Return Delta's own object of the log of the table at ``path``."""
    return spark._jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, path)  # type: ignore[union-attr]


def files_by_day(spark: SparkSession, path: str, small: int) -> list[DayFiles]:
    """Return how many files the newest version of a table has of each day, by one Spark job.

    Args:
        spark: the session.
        path: of the table.
        small: a file of fewer bytes counts as small.
    """
    listed = DataFrame(snapshot_of(spark, path).allFiles().toDF(), spark)
    day, is_small = F.col("partitionValues")["dt"], F.col("size") < small
    rows = (
        listed.groupBy(day.alias("day"))
        .agg(
            F.count("*").alias("files"),
            F.count_if(is_small).alias("small_files"),
        )
        .collect()
    )
    return [
        DayFiles(
            date.fromisoformat(row["day"]) if row["day"] else NO_DAY,
            *(int(row[name]) for name in ("files", "small_files")),
        )
        for row in rows
    ]


def files_of_day(
    spark: SparkSession, path: str, day: date, version: int | None = None
) -> list[dict[str, Any]] | None:
    """Return what the log says of the files of a day, by their names ("Add File" in Delta's PROTOCOL.md).

    Args:
        spark: the session.
        path: of the table.
        day: of the files.
        version: of the table; the newest where none is given.

    Returns:
        None where the files alone do not tell the rows: some of them are marked as deleted, or files lie
        outside the table's folder.
    """
    of_all_days = snapshot_of(spark, path, version).allFiles()
    listed = of_all_days.filter(f"partitionValues['dt'] = '{day.isoformat()}'").collectAsList()
    added = sorted((json.loads(file.json())["add"] for file in listed), key=lambda add: str(add["path"]))
    are_plain = all("deletionVector" not in add and not OUTSIDE.match(add["path"]) for add in added)
    return added if are_plain else None


def changes_after(spark: SparkSession, path: str, version: int, latest: int) -> tuple[list[Change], bool]:
    """Return the commits after ``version`` up to ``latest``, oldest first, and whether the log has them all.

    The log of a table keeps its newest commits; once its retention has passed, older ones are cleaned up.
    """
    folder = spark._jvm.org.apache.hadoop.fs.Path(f"{path}/_delta_log")  # type: ignore[union-attr]
    filesystem = folder.getFileSystem(spark._jsc.hadoopConfiguration())
    changes: list[Change] = []
    for number in range(latest, version, -1):
        file = spark._jvm.org.apache.hadoop.fs.Path(folder, f"{number:020d}.json")  # type: ignore[union-attr]
        if not filesystem.exists(file):
            return changes[::-1], False
        stream = filesystem.open(file)
        try:
            text = spark._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")  # type: ignore[union-attr]
        finally:
            stream.close()
        changes.append(parse_commit(number, text))
    return changes[::-1], True


def parse_commit(version: int, text: str) -> Change:
    """Return what a commit file says; one action a line."""
    information: dict[str, Any] = {}
    rows: list[int | None] = []
    actions = [json.loads(line) for line in text.splitlines()]
    for action in actions:
        information = action.get("commitInfo", information)
        if "add" in action:
            rows.append(json.loads(action["add"].get("stats") or "{}").get("numRecords"))
    return Change(
        version,
        int(information.get("timestamp", 0)),
        str(information.get("operation", "")),
        frozenset(date.fromisoformat(day) if day else NO_DAY for day in days_with_other_rows(actions)),
        _metadata(information.get("userMetadata")),
        dict(information.get("operationMetrics") or {}),
        None if None in rows else sum(row for row in rows if row is not None),
    )


def _metadata(text: str | None) -> dict[str, Any]:
    """Return what the writer recorded; another program may record anything there."""
    try:
        recorded = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return recorded if isinstance(recorded, dict) else {}
