"""Publications and quarantine from their tables, by day."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from uae_model.readers.spark import weight_publications
from uae_model.report.facts import PublicationFacts, QuarantineCount


def publication_facts(publications: DataFrame, first: date, last: date) -> tuple[PublicationFacts, ...]:
    """Return the publications of weights from ``first`` to ``last`` that readers may see, by day."""
    in_range = weight_publications(publications).where(F.col("dt").between(F.lit(first), F.lit(last)))
    rows = in_range.orderBy("dt").collect()
    return tuple(_publication_facts(row) for row in rows)


def quarantine_counts(quarantine: DataFrame) -> tuple[QuarantineCount, ...]:
    """Return the rows in quarantine by day and reason, in that order."""
    rows = (
        quarantine.groupBy("dt", "reason")
        .agg(F.sum("occurrences").alias("rows"))
        .orderBy("dt", "reason")
        .collect()
    )
    return tuple(QuarantineCount(row["dt"], row["reason"], row["rows"]) for row in rows)


def _publication_facts(row: Row) -> PublicationFacts:
    # Tables of earlier releases lack the last columns.
    later = row.asDict()
    low, high = later.get("attention_mean_low"), later.get("attention_mean_high")
    return PublicationFacts(
        day=row["dt"],
        delta_version=row["delta_version"],
        status=row["status"],
        plays=row["row_count"],
        sessions=row["session_count"],
        active=row["active_count"],
        excluded=row["excluded_count"],
        quarantined=row["quarantined_count"],
        mean_passive_attention=row["mean_passive_attention"],
        mean_passive_weight=row["mean_passive_weight"],
        passive_weight_quantiles=tuple(row["passive_weight_quantiles"] or ()),
        checks=tuple(row["checks"]),
        attention_version=row["attention_model_version"],
        propensity_version=row["propensity_model_version"],
        run_id=row["run_id"],
        accepted_checks=tuple(later.get("accepted_checks") or ()),
        accepted_reason=later.get("accepted_reason"),
        mean_interval=None if low is None or high is None else (low, high),
    )
