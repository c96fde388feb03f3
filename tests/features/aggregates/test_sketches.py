"""Estimates of distinct values do not depend on the order in which the days were merged."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.features.aggregates.windows import distinct_estimate

DAYS = 30
ORDERS = ("_day", "-_day", "_day % 7", "-_day % 5", "hash(_day)")


@pytest.mark.parametrize("values", [20, 300, 2000])
def test_days_merged_in_any_order_give_one_estimate(spark: SparkSession, values: int) -> None:
    rows = spark.range(DAYS * values).select((F.col("id") % DAYS).alias("_day"), F.col("id").cast("string"))
    days = rows.groupBy("_day").agg(F.hll_sketch_agg("id").alias("sketch")).persist()
    estimates = set()
    for order in ORDERS:
        ordered = days.coalesce(1).orderBy(F.expr(order)).coalesce(1)
        merged = ordered.agg(F.hll_union_agg("sketch").alias("sketch"))
        estimates.add(merged.select(distinct_estimate(F.col("sketch")).alias("estimate")).collect()[0][0])
    days.unpersist()
    assert len(estimates) == 1, estimates
    assert estimates.pop() == pytest.approx(DAYS * values, rel=0.05)
