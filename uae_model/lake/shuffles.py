"""Shuffles of very many rows."""

from __future__ import annotations

import math

from pyspark.sql import DataFrame


def in_more_tasks(frame: DataFrame, column: str, about_rows: int, rows_of_task: int) -> DataFrame:
    """Return rows that are shuffled by a column into more tasks than Spark's setting would give them.

    Args:
        frame: the rows.
        column: rows of one value go to one task.
        about_rows: how many rows there are; where the setting's tasks do, the frame is left as it is.
        rows_of_task: how many a task gets, about.
    """
    tasks = math.ceil(about_rows / rows_of_task)
    if tasks <= int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions") or 0):
        return frame
    return frame.repartition(tasks, column)
