"""The storage of a table as Spark reaches it: through the cluster's own Hadoop settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from io import BytesIO

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from uae_model.lake import files
from uae_model.readers.delta_log import DeltaLog, UnreadableTableError
from uae_model.readers.sources import Problems, damaged_days
from uae_model.readers.storage import REQUESTS_AT_ONCE, ArrowStorage


class HadoopStorage:
    """A storage that Hadoop knows, and pyarrow perhaps does not."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def names(self, folder: str) -> list[str]:
        """Return the names of what lies in a folder; none where there is no folder."""
        return files.names(self._spark, folder)

    def open(self, file: str) -> BytesIO:
        """Open a small file to be read, such as one of a log."""
        return BytesIO(files.read_bytes(self._spark, file))

    def missing(self, paths: Sequence[str]) -> list[str]:
        """Return those of the files that are not there."""
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as requests:
            there = list(requests.map(lambda path: files.exists(self._spark, path), paths))
        return [path for path, is_there in zip(paths, there, strict=True) if not is_there]

    def parquet_rows(self, file: str) -> int:
        """Return the rows that the footer of a Parquet file counts.

        Raises:
            ContractError: if it is no Parquet file, or cannot be read.
        """
        return files.parquet_rows(self._spark, file)


def log_of(spark: SparkSession, table: str) -> DeltaLog:
    """Return the log of a table, as Spark takes the name of its folder.

    Raises:
        ContractError: if there is no such table.
    """
    local = files.local_path(spark, table)  # Python asks a thousand files while Spark's gateway asks one
    if local is not None:
        return DeltaLog(local, ArrowStorage(local))
    return DeltaLog(table, HadoopStorage(spark))


def damage_of(
    spark: SparkSession, table: str, pinned: Mapping[date, int], rows: Mapping[date, int]
) -> Problems:
    """Return what is wrong with the files of days of a table, see ``sources.damaged_days``.

    A table that another hand gave what only Delta can follow is not looked into.
    """
    if not DeltaTable.isDeltaTable(spark, table):
        return dict.fromkeys(pinned, f"there is no table at {table}")
    try:
        return damaged_days(log_of(spark, table), pinned, rows)
    except UnreadableTableError:
        return {}
