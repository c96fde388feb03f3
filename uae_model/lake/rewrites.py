"""Commits that change or take out rows on purpose and are no reason to build anything again.

A key is changed, rows are sealed, users are forgotten: the days are as current as before, and so is all that
was built from them. The commit says so (``states.REWRITE``), and the memory takes the new versions over.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.lake.log import NO_DAY, changes_after, has_transaction
from uae_model.lake.states import REWRITE

if TYPE_CHECKING:
    from uae_model.lake.store import TableStore


def rewrite(store: TableStore, name: str, frame: DataFrame, reason: str, *, once: str | None = None) -> None:
    """Write all rows of a table anew, in one commit.

    Args:
        store: the tables.
        name: of the table.
        frame: its rows and columns, made of those that are there; the same number on each day.
        reason: stored in the commit.
        once: names this rewrite; a second one of the same name changes nothing, as after a crash that came
            between the commit and the note of it.
    """
    with store.recorded(name, {REWRITE: reason}):
        writer = frame.write.format("delta").mode("overwrite")
        if once is not None:
            writer = writer.options(txnAppId=once, txnVersion=1)
        writer.save(store.path(name))


def is_rewritten(store: TableStore, name: str, once: str) -> bool:
    """Tell whether a table has been rewritten under a name."""
    return has_transaction(store.spark, store.path(name), once)


def remove_rows(store: TableStore, name: str, keys: DataFrame, reason: str) -> dict[date, int]:
    """Take out the rows that have the values of a row of ``keys``; return how many of each day.

    It is one commit, which names no value: those of a condition would stay in the table's log.

    Args:
        store: the tables.
        name: of the table.
        keys: columns of the table, each row once.
        reason: stored in the commit.
    """
    same = " AND ".join(f"old.{column} = new.{column}" for column in keys.columns)
    held = store.read(name).withColumn("_day", F.col("dt") if _has_days(store, name) else F.lit(NO_DAY))
    hit = held.alias("old").join(keys.alias("new"), F.expr(same), "left_semi")
    removed = {row["_day"]: row["count"] for row in hit.groupBy("_day").count().collect()}
    if not removed:
        return {}
    counted = held.where(F.col("_day").isin(list(removed))).groupBy("_day").count().collect()
    left = {row["_day"].isoformat(): row["count"] - removed[row["_day"]] for row in counted}
    with store.recorded(name, {REWRITE: reason, "rows": left}):
        table = DeltaTable.forPath(store.spark, store.path(name)).alias("old")
        table.merge(keys.alias("new"), same).whenMatchedDelete().execute()
    return removed


def replace_day_quietly(store: TableStore, name: str, day: date, frame: DataFrame, reason: str) -> None:
    """Replace a day by rows that are the same but for what was taken out, or changed, on purpose."""
    store.replace_day(name, day, frame, {REWRITE: reason})


def is_rewrite(spark: SparkSession, path: str, version: int) -> bool:
    """Tell whether a version of the table at ``path`` is a rewrite, which must not be undone."""
    changes, _ = changes_after(spark, path, version - 1, version)
    return any(change.metadata.get(REWRITE) for change in changes)


def _has_days(store: TableStore, name: str) -> bool:
    return store.contract(name).partition is not None
