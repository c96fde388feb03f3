"""Files that lie in a table's folder are made a part of it, by a commit of Delta's own transaction.

A writer who changed the same day meanwhile is told, and nothing is lost (``OptimisticTransaction``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from uae_model.lake.log import delta_log


def commit_files(
    spark: SparkSession, path: str, added: Iterable[dict[str, Any]], replaced: date | None = None
) -> None:
    """Add files to a table, in the place of those of a day where one is named.

    Args:
        spark: the session.
        path: of the table.
        added: what the log shall say of each new file ("Add File" in Delta's PROTOCOL.md).
        replaced: the day whose files go; all of ``added`` are of that day then.
    """
    delta, scala = _delta(spark), spark._jvm.scala.jdk.javaapi.CollectionConverters  # type: ignore[union-attr]
    transaction = delta_log(spark, path).startTransaction()
    removed = []
    if replaced is not None:
        parser = spark._jsparkSession.sessionState().sqlParser()
        of_day = parser.parseExpression(f"dt = DATE'{replaced.isoformat()}'")
        # What it has read here, nobody else may change before the commit.
        former = transaction.filterFiles(scala.asScala([of_day]).toSeq(), False)
        removed = [file.remove() for file in scala.asJava(former)]
    actions = [*removed, *(as_action(spark, add) for add in added)]
    operation = getattr(getattr(delta, "DeltaOperations$ManualUpdate$"), "MODULE$")
    transaction.commit(scala.asScala(actions).toSeq(), operation)


def as_action(spark: SparkSession, add: dict[str, Any]):  # type: ignore[no-untyped-def]  # py4j objects have no types
    """Return an action of Delta's log by what the log says of it."""
    return getattr(getattr(_delta(spark).actions, "Action$"), "MODULE$").fromJson(json.dumps({"add": add}))


def _delta(spark: SparkSession):  # type: ignore[no-untyped-def]  # py4j objects have no types
    return spark._jvm.org.apache.spark.sql.delta  # type: ignore[union-attr]
