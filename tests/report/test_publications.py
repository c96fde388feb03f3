"""Publications and quarantine by day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from uae_model.report.publications import quarantine_counts


def test_quarantine_counts_sum_occurrences_by_day_and_reason(spark: SparkSession) -> None:
    rows = [(date(2026, 1, 6), "b", 2), (date(2026, 1, 5), "b", 1), (date(2026, 1, 6), "b", 3)]
    rows.append((date(2026, 1, 6), "a", 1))
    frame = spark.createDataFrame(rows, "dt date, reason string, occurrences bigint")
    counts = [(count.day.day, count.reason, count.rows) for count in quarantine_counts(frame)]
    assert counts == [(5, "b", 1), (6, "a", 1), (6, "b", 5)]
