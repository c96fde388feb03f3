"""Health of features: what is missing, what the training window never had, how far a day has drifted from it.

The reference is taken when a training snapshot is written and travels with the model; a day is compared with
the reference of the model that scores it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Feature
from uae_model.features.columns import categorical_buckets, numeric_values
from uae_model.features.references import FeatureReference

QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]
DECILES = [share / 10 for share in range(1, 10)]
MISSING = 0
"""Bin of a missing value: bucket 0 of a categorical feature, the bin before the first of a numeric one."""

LARGEST_BUCKETS = 20
"""Buckets of a categorical feature, at most, that the PSI tells apart; the rest are one bin."""

SMALLEST_SHARE = 1e-4
"""Shares below this count as this much: the PSI of an empty bin would be infinite."""

SAMPLE_PLAYS = 200_000
"""Plays of a day that are looked at, chosen by the hash of their event: shares are within 0.3 %."""


@dataclass(frozen=True)
class FeatureHealth:
    """A feature on one day.

    Attributes:
        feature: its name.
        plays: looked at.
        missing_share: plays without a value.
        unseen_share: plays whose bucket no play of the training window had; None for a numeric feature.
        mean: of the transformed number; None for a categorical feature.
        quantiles: of the transformed number, at ``QUANTILES``; None for a categorical feature.
        psi: population stability index against the training window; None without a reference.
    """

    feature: str
    plays: int
    missing_share: float
    unseen_share: float | None
    mean: float | None
    quantiles: list[float] | None
    psi: float | None

    def to_row(self) -> dict[str, Any]:
        """Return the columns of ``feature_health``, where the PSI is called ``stability_index``."""
        return {("stability_index" if name == "psi" else name): value for name, value in asdict(self).items()}


def references(plays: DataFrame, config: Config) -> tuple[FeatureReference, ...]:
    """Return the reference of each feature over the plays of the training window."""
    boundaries = decile_boundaries(plays, config)
    counts = _bin_counts(plays, boundaries, config)
    results = []
    for feature in config.features:
        total = sum(counts[feature.name].values())
        shares = {str(number): count / total for number, count in sorted(counts[feature.name].items())}
        results.append(FeatureReference(feature.name, boundaries.get(feature.name, ()), shares))
    return tuple(results)


def decile_boundaries(plays: DataFrame, config: Config) -> dict[str, tuple[float, ...]]:
    """Return the different deciles of each transformed numeric feature; none where every value is missing."""
    summaries = _numeric_summaries(plays, config, DECILES)
    return {name: tuple(sorted(set(summary["quantiles"] or []))) for name, summary in summaries.items()}


def day_health(
    plays: DataFrame, reference: Mapping[str, FeatureReference], play_count: int, config: Config
) -> list[FeatureHealth]:
    """Return the health of each feature over a day's plays, or over a sample of them."""
    every = math.ceil(play_count / SAMPLE_PLAYS)
    sample = plays if every <= 1 else plays.where(F.pmod(F.xxhash64("event_id"), F.lit(every)) == 0)
    numeric = _numeric_summaries(sample, config, QUANTILES)
    boundaries = {name: reference[name].boundaries if name in reference else () for name in numeric}
    counts = _bin_counts(sample, boundaries, config)
    return [
        _feature_health(feature, counts[feature.name], numeric.get(feature.name), reference.get(feature.name))
        for feature in config.features
    ]


def population_stability_index(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Return the PSI: the sum of (q - p) ln(q / p) over the bins' expected shares p and actual shares q."""
    pairs = [(max(p, SMALLEST_SHARE), max(q, SMALLEST_SHARE)) for p, q in zip(expected, actual, strict=True)]
    return sum((q - p) * math.log(q / p) for p, q in pairs)


def bin_of(value: Column, boundaries: Sequence[float]) -> Column:
    """Return the bin of a number: 1 below the first boundary, one more from each on, 0 for a missing one."""
    bins: Column = F.lit(1)
    for boundary in boundaries:
        bins = bins + (value >= F.lit(boundary).cast("float")).cast("int")
    return F.when(F.isnan(value), MISSING).otherwise(bins)


def _feature_health(
    feature: Feature,
    counts: Mapping[int, int],
    summary: Mapping[str, Any] | None,
    reference: FeatureReference | None,
) -> FeatureHealth:
    total = sum(counts.values())
    shares = {number: count / total for number, count in counts.items()} if total else {}
    unseen = psi = None
    if reference is not None and total:
        seen = {int(number) for number in reference.shares}
        if feature.kind == "categorical":
            unseen = math.fsum(share for number, share in shares.items() if number not in seen | {MISSING})
        psi = _psi(reference, shares)
    return FeatureHealth(
        feature=feature.name,
        plays=total,
        missing_share=shares.get(MISSING, 0.0),
        unseen_share=unseen,
        mean=summary["mean"] if summary else None,
        quantiles=summary["quantiles"] if summary else None,
        psi=psi,
    )


def _psi(reference: FeatureReference, shares: Mapping[int, float]) -> float:
    expected = {int(number): share for number, share in reference.shares.items()}
    largest = sorted(expected, key=lambda number: (-expected[number], number))[:LARGEST_BUCKETS]
    bins = sorted({MISSING, *largest})
    told_apart = [[side.get(number, 0.0) for number in bins] for side in (expected, shares)]
    both = [[*side, max(0.0, 1.0 - sum(side))] for side in told_apart]
    return population_stability_index(*both)


def _numeric_summaries(plays: DataFrame, config: Config, quantiles: list[float]) -> dict[str, dict[str, Any]]:
    """Return mean and quantiles of each numeric feature, transformed, without the missing values."""
    features = config.features.numeric
    if not features:
        return {}
    columns = []
    for index, feature in enumerate(features):
        value = F.nanvl(F.col("values")[index], F.lit(None).cast("float"))
        columns += [F.avg(value).alias(f"mean_{feature.name}")]
        columns += [F.percentile_approx(value, quantiles, 1000).alias(f"quantiles_{feature.name}")]
    row = plays.select(numeric_values(config).alias("values")).agg(*columns).collect()[0]
    return {
        f.name: {"mean": row[f"mean_{f.name}"], "quantiles": row[f"quantiles_{f.name}"]} for f in features
    }


def _bin_counts(
    plays: DataFrame, boundaries: Mapping[str, Sequence[float]], config: Config
) -> dict[str, dict[int, int]]:
    """Return, for each feature, the plays of each of its bins."""
    numeric = config.features.numeric
    values = plays.select(
        categorical_buckets(config).alias("buckets"), numeric_values(config).alias("values")
    )
    bins = [bin_of(F.col("values")[index], boundaries[f.name]) for index, f in enumerate(numeric)]
    every = F.concat(F.col("buckets"), F.array(*bins)) if bins else F.col("buckets")
    rows = (
        values.select(F.posexplode(every).alias("feature", "bin")).groupBy("feature", "bin").count().collect()
    )
    names = [f.name for f in (*config.features.categorical, *numeric)]
    counts: dict[str, dict[int, int]] = {name: {} for name in names}
    for row in rows:
        counts[names[row["feature"]]][row["bin"]] = row["count"]
    return counts
