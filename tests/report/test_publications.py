"""Publications and quarantine by day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import SparkSession

from uae_model.config import load_config
from uae_model.lake import contract_for
from uae_model.report.publications import publication_facts, quarantine_counts


def test_quarantine_counts_sum_occurrences_by_day_and_reason(spark: SparkSession) -> None:
    rows = [(date(2026, 1, 6), "b", 2), (date(2026, 1, 5), "b", 1), (date(2026, 1, 6), "b", 3)]
    rows.append((date(2026, 1, 6), "a", 1))
    frame = spark.createDataFrame(rows, "dt date, reason string, occurrences bigint")
    counts = [(count.day.day, count.reason, count.rows) for count in quarantine_counts(frame)]
    assert counts == [(5, "b", 1), (6, "a", 1), (6, "b", 5)]


def test_only_published_weights_within_the_range_are_told(spark: SparkSession) -> None:
    contract = contract_for("publications", load_config(None))
    told = {"table_name": "weights", "status": "published", "checks": ["the day has plays: ok (9 rows)"]}
    changes = [
        {"dt": date(2026, 1, 6), "delta_version": 4},
        {"dt": date(2026, 1, 5), "delta_version": 3},
        {"dt": date(2026, 1, 4), "delta_version": 2},
        {"dt": date(2026, 1, 6), "delta_version": 5, "status": "withdrawn"},
        {"dt": date(2026, 1, 6), "delta_version": 6, "table_name": "plays"},
    ]
    counts = {name: 9 for name in contract.columns if name.endswith(("_count", "_model_version"))}
    rows = [{**counts, "run_id": "run", "config": "{}", **told, **change} for change in changes]
    frame = spark.createDataFrame(
        [[row.get(name) for name in contract.columns] for row in rows], contract.schema
    )
    facts = publication_facts(frame, date(2026, 1, 5), date(2026, 1, 6))
    assert [(fact.day.day, fact.delta_version) for fact in facts] == [(5, 3), (6, 4)]
    assert facts[0].checks == ("the day has plays: ok (9 rows)",)
    assert facts[0].passive_weight_quantiles == ()
