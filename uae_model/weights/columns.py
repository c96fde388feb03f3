"""From attention to sample weights, and reading the published weights with Spark."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.lake import read_table
from uae_model.readers.days import PUBLISHED, requested_days, require_all_days
from uae_model.weights.resolution import Weighting


def shifted_attention(attention: Column, weighting: Weighting) -> Column:
    """Return attention moved by the weighting's shift in logits; certain attention (0 or 1) stays so."""
    if weighting.shift == 0.0:
        return attention
    odds = F.exp(F.lit(-weighting.shift)) * (1 - attention) / attention
    return F.when((attention > 0) & (attention < 1), 1 / (1 + odds)).otherwise(attention)


def passive_weight(attention: Column, weighting: Weighting) -> Column:
    """Return the weight of a passive play, 0 <= w <= 1: Eq. 19 or one of its alternatives.

    Args:
        attention: shifted already.
        weighting: the resolved weight function.
    """
    if weighting.function == "constant":
        return F.lit(weighting.mean)
    if weighting.function == "power":
        return 1 - F.pow(attention + 1, F.lit(-weighting.gamma))
    return F.least(F.lit(1.0), F.lit(weighting.factor) * attention)


def sample_weight(attention: Column, is_active: Column, weighting: Weighting) -> Column:
    """Return the weight in the recommender's loss (Eq. 18): 1 for an active play, w for a passive one."""
    return F.when(is_active, F.lit(1.0)).otherwise(passive_weight(attention, weighting))


def read_weights(
    spark: SparkSession, tables: str, first: date | str, last: date | str | None = None
) -> DataFrame:
    """Return the published weights of the days from ``first`` to ``last`` (or of ``first`` alone).

    Every day is read at the Delta version that its publication pins, so a night that is being written,
    or one that failed a check, is never seen.

    Args:
        spark: a session with the Delta extension.
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.

    Raises:
        InputError: naming the days of the range that are not published.
    """
    start, end = requested_days(first, last)
    rows = (
        read_table(spark, tables, "publications")
        .where(F.col("dt").between(F.lit(start), F.lit(end)))
        .where((F.col("table_name") == "weights") & (F.col("status") == PUBLISHED))
        .select("dt", "delta_version")
        .collect()
    )
    require_all_days({row["dt"] for row in rows}, start, end)
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
