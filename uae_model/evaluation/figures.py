"""The figures of an evaluation as SVG elements in the report's style (Figs. 5, 6 and 7 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from uae_model.evaluation.comparison import Summary
from uae_model.evaluation.curves import Band
from uae_model.pages.svg import ACTIVE, INK, MUTED, PASSIVE, new_figure, plot_style, to_svg
from uae_model.weights.functions import WeightFunction, passive_weights

COLOURS = (PASSIVE, ACTIVE, INK, MUTED)
POINTS = 101


def convergence(bands: Mapping[str, Band], metric: str) -> str:
    """Fig. 5: a metric by epoch, the mean of the runs within its 95 % t-interval.

    Args:
        bands: by the name that stands at each curve's end; at most four.
        metric: the title, such as ``AUC, validation plays``.
    """
    with plot_style():
        figure, (axes,) = new_figure(3.2)
        for (name, band), colour in zip(bands.items(), COLOURS, strict=False):
            epochs = np.arange(1, len(band.mean_T) + 1)
            axes.fill_between(epochs, band.low_T, band.high_T, color=colour, alpha=0.2, linewidth=0)
            axes.plot(epochs, band.mean_T, color=colour)
            _named(axes, float(epochs[-1]), float(band.mean_T[-1]), name, colour)
        axes.set_title(f"{metric}; shaded: 95 % t-interval over the runs")
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        told = "; ".join(f"{name} ends at {band.mean_T[-1]:.4f}" for name, band in bands.items())
        return to_svg(figure, "convergence", f"{metric} by epoch: {told}")


def gamma_curves(gammas: Sequence[float]) -> str:
    """Fig. 6 a: the weight of a passive play by its attention, for each gamma of Eq. 19, and linear.

    The curves lie too close for a number at each: the title has them in order.
    """
    attention = np.linspace(0, 1, POINTS)
    with plot_style():
        figure, (axes,) = new_figure(3.2)
        for gamma in gammas:
            weight = passive_weights(attention, WeightFunction("smoothed", "power", gamma=gamma))
            axes.plot(attention, weight, color=ACTIVE, linewidth=1.2)
        axes.plot(attention, attention, color=PASSIVE)
        axes.text(0.8, 0.74, "linear", color=PASSIVE, ha="left", va="top")
        listed = ", ".join(f"{gamma:g}" for gamma in sorted(gammas))
        axes.set_title(f"weight of a passive play; from below: gamma {listed}")
        axes.set_xlabel("attention")
        return to_svg(figure, "gamma-curves", f"Weight by attention, gamma {listed} and linear")


def by_weighting(summaries: Mapping[str, Summary], metric: str, base: Summary | None, name: str) -> str:
    """Fig. 6 b, c: a metric by gamma and weight function, one mark each, with its deviation.

    Args:
        summaries: by the weighting's title, in the order from top to bottom.
        metric: the title.
        base: the unweighted model, drawn as a line across.
        name: of the figure, unique in a page.
    """
    names = list(summaries)
    with plot_style():
        figure, (axes,) = new_figure(1.0 + 0.3 * len(names))
        for y, summary in enumerate(summaries.values()):
            spread = 100 * (summary.deviation or 0.0)
            axes.errorbar(100 * summary.mean, y, xerr=spread, color=ACTIVE, marker="o", linewidth=1.2)
        if base is not None:
            axes.axvline(100 * base.mean, color=INK, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", visible=True)
        axes.set_title(f"{metric}, percent" + (" (dashed: base)" if base else ""))
        told = "; ".join(f"{title} {100 * summary.mean:.2f}" for title, summary in summaries.items())
        return to_svg(figure, name, f"{metric}: {told}")


def daily_lift(lifts: Mapping[str, Band]) -> str:
    """Fig. 7: what treatment adds to control on each day, in percent, with 95 % intervals.

    Args:
        lifts: by measure (play count, play time), as shares; one panel each.
    """
    with plot_style():
        figure, panels = new_figure(2.0 * len(lifts), [1.0] * len(lifts))
        for axes, (measure, band) in zip(panels, lifts.items(), strict=True):
            days = np.arange(1, len(band.mean_T) + 1)
            mean, low, high = (100 * values for values in (band.mean_T, band.low_T, band.high_T))
            axes.errorbar(days, mean, yerr=[mean - low, high - mean], color=ACTIVE, marker="o", linewidth=1.2)
            axes.axhline(0, color=INK, linewidth=1)
            axes.set_title(f"{measure}: treatment over control, percent")
            axes.set_xticks(days)
        panels[-1].set_xlabel("day of the test")
        told = "; ".join(
            f"{measure} from {100 * band.mean_T[0]:+.2f} % to {100 * band.mean_T[-1]:+.2f} %"
            for measure, band in lifts.items()
        )
        return to_svg(figure, "daily-lift", f"Lift by day: {told}")


def _named(axes: Axes, x: float, y: float, name: str, colour: str) -> None:
    axes.annotate(
        name, (x, y), xytext=(0, 5), textcoords="offset points", color=colour, ha="right", va="bottom"
    )
