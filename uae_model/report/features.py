"""Health of features on the page: one small panel a feature, drawn over the days."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pyspark.sql import DataFrame

from uae_model.pages.svg import ACTIVE, INK, MUTED, WIDTH, plot_style, to_svg
from uae_model.report.facts import FeatureDay
from uae_model.report.plots import bands

COLUMNS = 3
PANEL_HEIGHT = 1.05
"""Inches."""


def feature_days(health: DataFrame) -> tuple[FeatureDay, ...]:
    """Return the rows of ``feature_health`` of some days, by feature and day."""
    rows = health.orderBy("feature", "dt").collect()
    return tuple(
        FeatureDay(
            feature=row["feature"],
            day=row["dt"],
            missing_share=row["missing_share"],
            unseen_share=row["unseen_share"],
            mean=row["mean"],
            quantiles=tuple(row["quantiles"] or ()),
            psi=row["stability_index"],
        )
        for row in rows
    )


def small_multiples(days: Sequence[FeatureDay]) -> str:
    """Draw a panel for each feature: a numeric one's mean and middle 90 %, else what is missing and new."""
    names = list(dict.fromkeys(entry.feature for entry in days))
    rows = math.ceil(len(names) / COLUMNS)
    first = min(entry.day for entry in days)
    with plot_style():
        figure = Figure(figsize=(WIDTH, rows * PANEL_HEIGHT + 0.2), layout="constrained")
        panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
        for axes, name in zip(panels, names, strict=False):
            mine = [entry for entry in days if entry.feature == name]
            _panel(axes, mine, [(entry.day - first).days for entry in mine])
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        label = f"{len(names)} features from {first} to {max(entry.day for entry in days)}, a panel each"
        return to_svg(figure, "feature-health", label)


def _panel(axes: Axes, days: Sequence[FeatureDay], xs: Sequence[int]) -> None:
    psi = days[-1].psi
    axes.set_title(days[-1].feature if psi is None else f"{days[-1].feature}  {psi:.2f}", fontsize=7)
    axes.set_xticks([])
    axes.tick_params(labelsize=7)
    means = [math.nan if entry.mean is None else entry.mean for entry in days]
    if all(math.isnan(mean) for mean in means):
        axes.plot(xs, [entry.missing_share for entry in days], color=MUTED, marker=".", linewidth=1)
        unseen = [math.nan if entry.unseen_share is None else entry.unseen_share for entry in days]
        axes.plot(xs, unseen, color=ACTIVE, marker=".", linewidth=1)
        axes.set_ylim(
            -0.03, max(0.1, *_finite([entry.missing_share for entry in days]), *_finite(unseen)) * 1.1
        )
        return
    bands(axes, zip(xs, [entry.quantiles for entry in days], strict=True), 3)
    axes.plot(xs, means, color=INK, marker=".", linewidth=1)


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]
