"""The numbers of a report from tables: each function aggregates in Spark and collects a small result."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F  # noqa: N812

from uae_model.report.facts import (
    HISTORY,
    LAST_POSITION,
    FeedbackHistory,
    Histogram,
    PatternRate,
    PositionCount,
    Rate,
    TruthComparison,
    total_rate,
)
from uae_model.report.recovery import ScoreCounts, recovery

HISTOGRAM_BINS = 200
"""Finer than the bars of a plot, which joins bins over the range that occurs."""

SCORE_BINS = 10_000
"""Bins of the log-odds of attention: finer than any plot, few enough to collect."""

LOG_ODDS_EDGE = 1e-7
"""Keeps the log-odds of 0 and 1 finite, near -16 and 16."""


def feedback_history(plays: DataFrame) -> FeedbackHistory:
    """Return P(active) overall, after the last play's feedback, and after each pattern of six (Fig. 2).

    Only plays of the same session count as history. One window and one small aggregation serve all three.

    Args:
        plays: ``session_id``, ``position``, ``is_active``.
    """
    in_order = Window.partitionBy("session_id").orderBy("position")
    letter = F.when(F.col("is_active"), "a").otherwise("p")
    with_history = plays.select("session_id", "position", "is_active", letter.alias("letter")).select(
        "is_active",
        F.lag("letter").over(in_order).alias("last"),
        # concat gives NULL where one of the six is missing
        F.concat(*[F.lag("letter", back).over(in_order) for back in range(HISTORY, 0, -1)]).alias("pattern"),
    )
    rows = with_history.groupBy("last", "pattern").agg(*_rate_columns()).collect()
    patterns = [PatternRate(row["pattern"], _rate(row)) for row in rows if row["pattern"] is not None]
    return FeedbackHistory(
        overall=total_rate(_rate(row) for row in rows),
        after_active=total_rate(_rate(row) for row in rows if row["last"] == "a"),
        after_passive=total_rate(_rate(row) for row in rows if row["last"] == "p"),
        patterns=tuple(sorted(patterns, key=lambda pattern: pattern.pattern)),
    )


def position_counts(weights: DataFrame) -> tuple[PositionCount, ...]:
    """Return plays, active plays and mean attention of passive plays by position in the session (Fig. 3).

    Args:
        weights: ``position``, ``is_active``, ``attention``.
    """
    rows = (
        weights.groupBy(F.least("position", F.lit(LAST_POSITION)).alias("position"))
        .agg(*_rate_columns(), F.avg(_on_passive("attention")).alias("attention"))
        .orderBy("position")
        .collect()
    )
    return tuple(PositionCount(row["position"], _rate(row), row["attention"]) for row in rows)


def passive_histograms(weights: DataFrame) -> tuple[Histogram, Histogram]:
    """Return the distributions of attention and of sample weight on passive plays, in one pass.

    Args:
        weights: ``is_active``, ``attention``, ``sample_weight``.
    """
    names = ("attention", "sample_weight")
    rows = (
        weights.where(~F.col("is_active"))
        .groupBy(*[_histogram_bin(F.col(name)).alias(f"{name}_bin") for name in names])
        .agg(F.count("*").alias("plays"), *[F.sum(name).alias(name) for name in names])
        .collect()
    )
    attention, weight = (_histogram(rows, name) for name in names)
    return attention, weight


def user_count(plays: DataFrame) -> int:
    """Return the number of distinct users."""
    return int(plays.agg(F.count_distinct("user_id")).collect()[0][0])


def compare_with_truth(weights: DataFrame, truth: DataFrame) -> TruthComparison:
    """Compare attention with the simulator's truth, on passive plays and on all.

    The score is counted in 10,000 bins of its log-odds, so no play is collected whatever their number.

    Args:
        weights: ``event_id``, ``is_active``, ``attention``.
        truth: rows of the ``truth`` contract that cover the plays.
    """
    known = truth.select(
        "event_id", "attended", F.col("attention").alias("true_attention"), F.lit(True).alias("is_known")
    )
    joined = weights.select("event_id", "is_active", "attention").join(known, "event_id", "left").cache()
    try:
        row = joined.agg(F.count("*").alias("plays"), F.count("is_known").alias("known")).collect()[0]
        matched = joined.where("is_known")
        estimated = _score_counts(matched, "attention")
        true = _score_counts(matched, "true_attention")
    finally:
        joined.unpersist()
    return TruthComparison(
        plays=row["plays"],
        known=row["known"],
        passive=recovery(estimated.passive_only(), true.passive_only()),
        everything=recovery(estimated, true),
    )


def _score_counts(matched: DataFrame, score: str) -> ScoreCounts:
    rows = (
        matched.groupBy(_score_bin(F.col(score)).alias("bin"), "is_active")
        .agg(
            F.count("*").alias("plays"),
            F.count_if("attended").alias("attended"),
            F.sum(score).alias("score"),
        )
        .orderBy("bin", "is_active")
        .collect()
    )
    return ScoreCounts(
        bin_K=np.array([row["bin"] for row in rows], dtype=np.int64),
        is_active_K=np.array([row["is_active"] for row in rows], dtype=bool),
        plays_K=np.array([row["plays"] for row in rows], dtype=np.int64),
        attended_K=np.array([row["attended"] for row in rows], dtype=np.int64),
        score_sum_K=np.array([row["score"] for row in rows], dtype=np.float64),
    )


def _score_bin(score: Column) -> Column:
    odds = (score + LOG_ODDS_EDGE) / (1 - score + LOG_ODDS_EDGE)
    edge = float(np.log((1 + LOG_ODDS_EDGE) / LOG_ODDS_EDGE))
    share = (F.ln(odds) + edge) / (2 * edge)
    return F.least(F.floor(share * SCORE_BINS), F.lit(SCORE_BINS - 1))


def _histogram_bin(share: Column) -> Column:
    return F.least(F.floor(share * HISTOGRAM_BINS), F.lit(HISTOGRAM_BINS - 1))


def _histogram(rows: Iterable[Row], name: str) -> Histogram:
    counts = [0] * HISTOGRAM_BINS
    total = 0.0
    for row in rows:
        counts[row[f"{name}_bin"]] += row["plays"]
        total += row[name]
    plays = sum(counts)
    return Histogram(tuple(counts), total / plays if plays else None)


def _on_passive(name: str) -> Column:
    return F.when(~F.col("is_active"), F.col(name))


def _rate_columns() -> tuple[Column, Column]:
    return F.count("*").alias("plays"), F.count_if("is_active").alias("active")


def _rate(row: Row) -> Rate:
    return Rate(row["plays"], row["active"])
