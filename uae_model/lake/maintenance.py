"""What keeps a table's folder from growing: rows that expire, small files, files of old versions.

The work is Delta's own: DELETE of whole partitions, OPTIMIZE, and VACUUM by the retention that is a property
of the table. No row of a day that is kept changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from uae_model.core.locations import is_local, plain_path
from uae_model.core.usage import Usage, sizes_below, usage_below
from uae_model.lake import files
from uae_model.lake.log import NO_DAY, DayFiles, files_by_day
from uae_model.lake.store import TableStore

SMALL_FILE = "spark.databricks.delta.optimize.minFileSize"
"""Files of fewer bytes are written together."""
DELTAS_OWN_SMALL_FILE = 1 << 30
CHECK_OF_RETENTION = "spark.databricks.delta.retentionDurationCheck.enabled"
LOG_OF_VACUUM = "spark.databricks.delta.vacuum.logging.enabled"


@dataclass(frozen=True)
class TableWork:
    """What there is to do for a table, before any of it is done.

    Attributes:
        name: the table.
        first_kept: days before it expire; None: no day does.
        expired: days that do.
        compact_before: only days before it are compacted; None: the table has no days.
        compacted: files that are written together with others of their day.
    """

    name: str
    first_kept: date | None
    expired: tuple[date, ...]
    compact_before: date | None
    compacted: int


def table_work(
    store: TableStore, name: str, first_kept: date | None, closed_before: date | None
) -> TableWork:
    """Return what there is to do for a table that exists.

    Args:
        store: the tables.
        name: of the table.
        first_kept: the first day whose rows are kept; None: all are.
        closed_before: the first day that a night may still build anew; files of days from it on are left
            alone. None: of all days.
    """
    has_days = store.contract(name).partition is not None
    days = files_by_day(store.spark, store.path(name), _small_file(store.spark))
    expired = sorted(
        of_day.day for of_day in days if first_kept and NO_DAY < of_day.day < first_kept and has_days
    )
    kept = [of_day for of_day in days if of_day.day not in expired]
    compacted = sum(
        of_day.small_files for of_day in kept if _is_closed(of_day, closed_before, has_days=has_days)
    )
    if not store.contract(name).is_compacted:
        compacted = 0
    return TableWork(name, first_kept, tuple(expired), closed_before if has_days else None, compacted)


def carry_out(store: TableStore, work: TableWork) -> None:
    """Let rows expire and write small files together."""
    if work.expired and work.first_kept:
        store.expire(work.name, work.first_kept)
    if work.compacted:
        store.compact(work.name, work.compact_before)


def vacuum(store: TableStore, name: str) -> Usage:
    """Remove files of versions whose retention is over, and of runs that were killed; return what that freed.

    A vacuum makes no commit of its own: each would add files to the log.
    """
    folder = store.path(name)
    if not is_local(folder):
        before = table_usage(store, name)
        _vacuum(store, name)
        return before - table_usage(store, name)
    sizes = sizes_below(plain_path(folder))
    _vacuum(store, name)
    left = sizes_below(plain_path(folder))
    gone = [size for path, size in sizes.items() if path not in left]
    return Usage(len(gone), sum(gone))


def vacuum_everything(store: TableStore, name: str) -> None:
    """Remove all files of a table that its newest version does not need, however young they are.

    Files of a run that is not finished go with them.
    """
    with _setting(store.spark, CHECK_OF_RETENTION, "false"):
        DeltaTable.forPath(store.spark, store.path(name)).vacuum(0)


def vacuum_would_free(store: TableStore, name: str) -> Usage:
    """Return what ``vacuum`` would free now, without writing anything.

    By the retention of the contract: a table has it only once its properties are renewed.
    """
    hours = store.contract(name).retention_days * 24
    with _setting(store.spark, CHECK_OF_RETENTION, "false"):  # it compares with the table's own
        listed = f"VACUUM delta.`{store.path(name)}` RETAIN {hours} HOURS DRY RUN"
        rows = store.spark.sql(listed).collect()
    return sum((files.usage_of(store.spark, row["path"]) for row in rows), Usage())


def table_usage(store: TableStore, name: str) -> Usage:
    """Return the files and bytes of a table's folder: data, log, files of old versions."""
    path = store.path(name)
    return usage_below(plain_path(path)) if is_local(path) else files.content_summary(store.spark, path)


def _vacuum(store: TableStore, name: str) -> None:
    with _setting(store.spark, LOG_OF_VACUUM, "false"):
        DeltaTable.forPath(store.spark, store.path(name)).vacuum()


def _is_closed(of_day: DayFiles, closed_before: date | None, *, has_days: bool) -> bool:
    """Tell whether a day has small files to write together, and no night builds it anew."""
    if of_day.small_files < 2:
        return False
    return not has_days or (closed_before is not None and of_day.day < closed_before)


def _small_file(spark: SparkSession) -> int:
    return int(spark.conf.get(SMALL_FILE, str(DELTAS_OWN_SMALL_FILE)) or DELTAS_OWN_SMALL_FILE)


@contextmanager
def _setting(spark: SparkSession, key: str, value: str) -> Iterator[None]:
    spark.conf.set(key, value)
    try:
        yield
    finally:
        spark.conf.unset(key)
