"""Reading the published weights with Spark."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.lake import read_table
from uae_model.readers.days import (
    ACCEPTED_CHECKS,
    PUBLISHED,
    requested_days,
    require_all_days,
    require_none_accepted,
)


def weight_publications(publications: DataFrame, *, status: str | None = PUBLISHED) -> DataFrame:
    """Return the rows of table ``publications`` that are about weights, with any status where it is None."""
    rows = publications.where(F.col("table_name") == "weights")
    return rows if status is None else rows.where(F.col("status") == status)


def read_weights(
    spark: SparkSession,
    tables: str,
    first: date | str,
    last: date | str | None = None,
    *,
    without_accepted: bool = False,
) -> DataFrame:
    """Return the published weights of the days from ``first`` to ``last`` (or of ``first`` alone).

    Every day is read at the Delta version that its publication pins, so a night that is being written,
    or one that failed a check, is never seen.

    Args:
        spark: a session with the Delta extension.
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.
        without_accepted: refuse days with failed checks that a person accepted (``uae publish --accept``).

    Raises:
        InputError: naming the days of the range that are not published, or that have accepted failures.
    """
    start, end = requested_days(first, last)
    publications = weight_publications(read_table(spark, tables, "publications"))
    # Tables of before have no accepted checks.
    columns = [name for name in ("dt", "delta_version", ACCEPTED_CHECKS) if name in publications.columns]
    rows = publications.where(F.col("dt").between(F.lit(start), F.lit(end))).select(*columns).collect()
    require_all_days({row["dt"] for row in rows}, start, end)
    if without_accepted:
        require_none_accepted({row["dt"]: row.asDict().get(ACCEPTED_CHECKS) or () for row in rows})
    days_by_version: dict[int, list[date]] = defaultdict(list)
    for row in rows:
        days_by_version[row["delta_version"]].append(row["dt"])
    parts = [
        read_table(spark, tables, "weights", days, version=version)
        for version, days in sorted(days_by_version.items())
    ]
    weights = parts[0]
    for part in parts[1:]:
        weights = weights.unionByName(part, allowMissingColumns=True)  # a feature may be newer than a day
    return weights
