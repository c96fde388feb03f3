"""Whether plays can be scored where they lie: whole sessions, in play order, in each task."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from uae_model.scoring.order import are_whole_sessions

WHOLE = [("a", 1), ("a", 2), ("b", 1), ("c", 1), ("c", 2), ("c", 3)]

ORDERS = {
    "whole sessions": (WHOLE, 1, True),
    "whole sessions in two tasks": (WHOLE, 2, True),
    "a session cut by tasks": (WHOLE, 3, False),
    "a session that another one interrupts": ([("a", 1), ("b", 1), ("a", 2)], 1, False),
    "against the order of plays": ([("a", 2), ("a", 1)], 1, False),
    "a play is lacking": ([("a", 1), ("a", 3)], 1, False),
    "no plays": ([], 1, True),
}


@pytest.mark.parametrize("name", ORDERS)
def test_plays_lie_in_order_or_do_not(spark: SparkSession, name: str) -> None:
    rows, tasks, expected = ORDERS[name]
    schema = "session_id string, position int"
    # By tasks: the first rows go to the first one, and so on, as files do.
    plays = spark.createDataFrame(spark.sparkContext.parallelize(rows, tasks), schema)
    assert are_whole_sessions(plays) is expected


def test_a_session_that_arrow_cuts_is_whole(spark: SparkSession) -> None:
    setting = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = spark.conf.get(setting) or ""
    spark.conf.set(setting, "2")
    try:
        rows = spark.sparkContext.parallelize(WHOLE, 1)
        assert are_whole_sessions(spark.createDataFrame(rows, "session_id string, position int"))
    finally:
        spark.conf.set(setting, before)
