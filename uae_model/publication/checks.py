"""Checks of a day's weights, and the record that makes them readable."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config

QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]
WEIGHT_EDGES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Where the bins of the weights' histogram end; weights crowd near 0."""


@dataclass(frozen=True)
class Check:
    """One condition on a day, and the figures it was judged by.

    Attributes:
        name: the condition as a sentence.
        passed: whether it holds.
        detail: what was seen.
        code: what a person calls it by who overrules it; empty where nobody may, since readers rely on it.
        value: the figure that was judged, where it is one number.
        threshold: the limit of that figure.
    """

    name: str
    passed: bool
    detail: str
    code: str = ""
    value: float | None = None
    threshold: float | None = None

    def __str__(self) -> str:
        return f"{self.name}: {'ok' if self.passed else 'FAILED'} ({self.detail})"


@dataclass(frozen=True)
class DayStatistics:
    """Counts and weight statistics of a day, as a publication records them."""

    rows: int
    sessions: int
    active: int
    mean_passive_attention: float | None
    mean_passive_weight: float | None
    passive_weight_quantiles: list[float] | None
    out_of_range: int
    model_pairs: int
    passive_weight_histogram: tuple[int, ...] = ()
    """Passive plays in each bin that ``WEIGHT_EDGES`` make: one more than there are edges."""


KEY = ["session_id", "position"]
"""Of plays and weights."""


def day_statistics(weights: DataFrame) -> DayStatistics:
    """Return the statistics of a day's weights in one pass."""
    passive = ~F.col("is_active")
    weight = F.when(passive, F.col("sample_weight"))
    in_range = F.col("sample_weight").between(0, 1) & F.col("attention").between(0, 1)
    row = weights.agg(
        F.count("*").alias("rows"),
        F.count_if(F.col("position") == 1).alias("sessions"),
        F.count_if("is_active").alias("active"),
        F.avg(F.when(passive, F.col("attention"))).alias("attention"),
        F.avg(weight).alias("weight"),
        F.percentile_approx(weight, QUANTILES).alias("quantiles"),
        F.count_if(~F.coalesce(in_range, F.lit(False))).alias("out_of_range"),
        # A set of few, where a count of distinct ones would send every row twice more.
        F.size(F.collect_set(F.struct("attention_model_version", "propensity_model_version"))).alias("pairs"),
        F.count(weight).alias("passive"),
        F.array(*[F.count_if(weight < edge) for edge in WEIGHT_EDGES]).alias("below"),
    ).collect()[0]
    below = [0, *row["below"], row["passive"]]
    return DayStatistics(
        rows=row["rows"],
        sessions=row["sessions"],
        active=row["active"],
        mean_passive_attention=row["attention"],
        mean_passive_weight=row["weight"],
        passive_weight_quantiles=row["quantiles"],
        out_of_range=row["out_of_range"],
        model_pairs=row["pairs"],
        passive_weight_histogram=tuple(after - before for before, after in pairwise(below)),
    )


def unmatched_rows(plays: DataFrame, weights: DataFrame) -> dict[str, int]:
    """Return what breaks "one weight row for every play row": keys missing, keys extra, keys doubled.

    Keys are told apart by a hash of 64 bits, which moves a fifth of their bytes. Where something seems to be
    wrong, the keys themselves are looked at: two of them may share a hash, once in thousands of days of a
    hundred million plays.
    """
    hashed = F.xxhash64(*KEY).alias("key")
    counts = _unmatched(plays.select(hashed), weights.select(hashed), ["key"])
    return _unmatched(plays, weights, KEY) if any(counts.values()) else counts


def _unmatched(plays: DataFrame, weights: DataFrame, key: list[str]) -> dict[str, int]:
    sides = (
        plays.select(*key, F.lit(1).alias("play"), F.lit(0).alias("weight"))
        .unionByName(weights.select(*key, F.lit(0).alias("play"), F.lit(1).alias("weight")))
        .groupBy(*key)
        .agg(F.sum("play").alias("play"), F.sum("weight").alias("weight"))
    )
    row = sides.agg(
        F.count_if((F.col("play") > 0) & (F.col("weight") == 0)).alias("missing"),
        F.count_if((F.col("play") == 0) & (F.col("weight") > 0)).alias("extra"),
        F.count_if((F.col("play") > 1) | (F.col("weight") > 1)).alias("doubled"),
    ).collect()[0]
    return {name: int(row[name]) for name in ("missing", "extra", "doubled")}


def check_day(
    statistics: DayStatistics,
    unmatched: dict[str, int],
    quarantined: int,
    config: Config,
    psi_by_feature: Mapping[str, float] | None = None,
    quarantined_statements: Mapping[str, tuple[int, int]] | None = None,
) -> list[Check]:
    """Return every check of a day that needs no other day.

    Args:
        statistics: of the weights.
        unmatched: the result of ``unmatched_rows``.
        quarantined: rows of the day's feed in quarantine.
        config: the limits.
        psi_by_feature: population stability index of each feature that has one; None where none was computed.
        quarantined_statements: rows in quarantine, and rows read, of the day's feed of each dimension.
    """
    limits = config.publication
    mean = statistics.mean_passive_weight
    checks = [
        Check("the day has plays", statistics.rows > 0, f"{statistics.rows} rows"),
        Check(
            "one weight row for every play row",
            not any(unmatched.values()),
            ", ".join(f"{count} {name}" for name, count in unmatched.items()),
        ),
        Check(
            "weights and attention lie in [0, 1]",
            statistics.out_of_range == 0,
            f"{statistics.out_of_range} rows outside",
        ),
        Check("one pair of models", statistics.model_pairs == 1, f"{statistics.model_pairs} pairs"),
        _quarantine_check(
            "plays", "", quarantined, statistics.rows + quarantined, limits.max_quarantined_share
        ),
        *[
            _quarantine_check(table, f" of {table}", bad, read, limits.max_quarantined_share)
            for table, (bad, read) in (quarantined_statements or {}).items()
        ],
    ]
    if mean is not None:
        low, high = limits.min_passive_weight_mean, limits.max_passive_weight_mean
        checks.append(
            Check(
                f"mean passive weight in [{low:g}, {high:g}]",
                low <= mean <= high,
                f"{mean:.4f}",
                "weight_limits",
                mean,
                high if mean > high else low,
            )
        )
    if limits.max_psi is not None:
        checks.append(psi_check(psi_by_feature or {}, limits.max_psi, limits.psi_ignored))
    return checks


def _quarantine_check(table: str, whose: str, quarantined: int, offered: int, limit: float) -> Check:
    share = quarantined / offered if offered else 0.0
    name = f"quarantined share{whose} at most {limit:g}"
    return Check(name, share <= limit, f"{share:.4f}", f"quarantined_{table}", share, limit)


def psi_check(psi_by_feature: Mapping[str, float], limit: float, ignored: Collection[str]) -> Check:
    """Return the check that no feature but the ignored ones has drifted; without any PSI it fails."""
    judged = {name: psi for name, psi in psi_by_feature.items() if name not in ignored}
    drifted = [name for name in sorted(judged, key=lambda name: -judged[name]) if judged[name] > limit]
    listed = ", ".join(f"{name} {judged[name]:.2f}" for name in drifted)
    largest = f"at most {max(judged.values()):.2f}" if judged else "the model has no reference; train anew"
    return Check(
        f"stability index of each feature at most {limit:g}",
        bool(judged) and not drifted,
        listed or largest,
        "feature_stability",
        max(judged.values(), default=None),
        limit,
    )


def publication_row(statistics: DayStatistics, checks: list[Check], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the row of ``publications`` but for ``dt``; ``fields`` are the rest of its columns."""
    return {
        "table_name": "weights",
        "row_count": statistics.rows,
        "session_count": statistics.sessions,
        "active_count": statistics.active,
        "mean_passive_attention": statistics.mean_passive_attention,
        "mean_passive_weight": statistics.mean_passive_weight,
        "passive_weight_quantiles": statistics.passive_weight_quantiles,
        "checks": [str(check) for check in checks],
        **fields,
    }
