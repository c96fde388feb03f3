"""The figures of a report, from facts to SVG; no Spark.

Active plays are one colour and passive plays another, everywhere; series are named where they are drawn.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator

from uae_model.pages.svg import ACTIVE, GRID, INK, MUTED, PASSIVE, SURFACE, new_figure, plot_style, to_svg
from uae_model.report.facts import (
    HISTORY,
    LAST_POSITION,
    PAPER_ACTIVE,
    PAPER_AFTER_ACTIVE,
    PAPER_AFTER_PASSIVE,
    FeedbackHistory,
    Histogram,
    PatternRate,
    PositionCount,
    PublicationFacts,
    QuarantineCount,
    Recovery,
)

FEWEST_PATTERN_PLAYS = 5
"""A pattern seen less often is left out: its share would be noise."""

MOST_BARS = 40
NARROWEST_RANGE = 0.1
"""Bars of a histogram at most, and the shortest part of [0, 1] that it shows."""

REASON_LETTERS = 56
"""Letters of a reason that fit into the plot; the table beside it has the whole reason."""

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Line:
    """A named curve; ``place`` is where along it (0 to 1) its name stands."""

    name: str
    points: Curve
    colour: str
    dashed: bool = False


def count_text(value: float) -> str:
    """Return a count in few characters: 950, 12 k, 3.4 M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"


def _counts(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: count_text(value)))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _shares(axis: Axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))


PAPER = (PAPER_AFTER_ACTIVE, PAPER_AFTER_PASSIVE, PAPER_ACTIVE)


def transitions(history: FeedbackHistory, *, paper: bool = False) -> str:
    """Fig. 2 a: P(active) overall and after each kind of play; on demand beside the paper's."""
    groups = [
        ("after an active play", history.after_active),
        ("after a passive play", history.after_passive),
        ("any play", history.overall),
    ]
    marks = PAPER if paper else ()
    with plot_style():
        figure, (axes,) = new_figure(2.35)
        ends = [rate.share or 0.0 for _, rate in groups]
        top = min(1.12, max([*marks, *ends]) * 1.22) or 1
        for y, share in enumerate(ends):
            axes.barh(y, share, height=0.52, color=ACTIVE)
        for y, mark in enumerate(marks):
            axes.plot([mark, mark], [y - 0.38, y + 0.38], color=INK, linewidth=2, solid_capstyle="butt")
        for y, share in enumerate(ends):
            # Beside the bar, or beyond the paper's mark where that would run through the number.
            hit = [mark for mark in marks[y : y + 1] if share <= mark <= share + 0.15]
            axes.text(max([share, *hit]) + 0.02 * top, y, f"{share:.1%}", va="center", color=INK)
        if marks:
            axes.text(marks[0], -0.42, "paper", ha="center", va="bottom", color=MUTED, fontsize=10.5)
        axes.set_yticks(range(len(groups)), [name for name, _ in groups])
        axes.set_ylim(len(groups) - 0.45, -0.75)
        axes.set_xlim(0, top)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", visible=True)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        _shares(axes.xaxis)
        axes.set_xlabel("probability that a play is active")
        told = "; ".join(f"{name} {share:.2%}" for (name, _), share in zip(groups, ends, strict=True))
        told += "; in the paper " + ", ".join(f"{mark:.2%}" for mark in marks) if marks else ""
        return to_svg(figure, "transitions", f"Probability that a play is active: {told}")


def shown_patterns(history: FeedbackHistory) -> list[PatternRate]:
    """Return the patterns seen often enough, by rising P(active)."""
    frequent = [pattern for pattern in history.patterns if pattern.rate.plays >= FEWEST_PATTERN_PLAYS]
    return sorted(frequent, key=lambda pattern: (pattern.rate.share or 0.0, pattern.pattern))


def patterns(history: FeedbackHistory) -> str:
    """Fig. 2 b: P(active) by the feedback of the last six plays, the patterns drawn below the bars."""
    shown = shown_patterns(history)
    xs = np.arange(len(shown))
    with plot_style():
        figure, (bars, cells) = new_figure(4.4, (2.3, 1))
        bars.bar(xs, [pattern.rate.share or 0.0 for pattern in shown], width=0.78, color=ACTIVE)
        _shares(bars.yaxis)
        bars.yaxis.set_major_locator(MaxNLocator(4))
        bars.tick_params(axis="x", length=0)
        overall = history.overall.share or 0.0
        bars.set_title(f"next play active (dashed: any play, {overall:.1%})")
        bars.axhline(overall, color=INK, linewidth=1, linestyle=(0, (3, 3)))
        for play in range(HISTORY):
            for letter, colour in (("a", ACTIVE), ("p", GRID)):
                at = [x for x, pattern in zip(xs, shown, strict=True) if pattern.pattern[play] == letter]
                cells.bar(at, 0.82, width=0.78, bottom=HISTORY - play - 0.91, color=colour)
        cells.set_ylim(0, HISTORY)
        cells.set_yticks([HISTORY - 0.5, 0.5], ["6 plays ago", "last play"])
        cells.set_xticks([])
        cells.grid(visible=False)
        cells.spines["bottom"].set_visible(False)
        cells.set_xlim(-0.6, max(len(shown), 1) - 0.4)
        cells.set_xlabel("each column is one pattern; a filled cell is an active play")
        low, high = shown[0], shown[-1]
        label = (
            f"Probability that a play is active by the pattern of the last six plays, {len(shown)} patterns: "
            f"from {low.rate.share:.1%} after {low.pattern} to {high.rate.share:.1%} after {high.pattern}"
        )
        return to_svg(figure, "patterns", label)


def positions(counts: Sequence[PositionCount]) -> str:
    """Fig. 3: active and passive plays by position in the session, and the share of active ones."""
    xs = [count.position for count in counts]
    active = np.array([count.rate.active for count in counts])
    passive = np.array([count.rate.plays for count in counts]) - active
    with plot_style():
        figure, (bars, line) = new_figure(3.7, (1.5, 1))
        bars.bar(xs, passive, width=0.78, color=PASSIVE)
        bars.bar(xs, active, width=0.78, bottom=passive, color=ACTIVE)
        bars.set_title("plays")
        _counts(bars)
        # Beside the title: within the plot there is no place that is free whatever the sessions are.
        for right, name, colour in ((0.84, "passive", PASSIVE), (1.0, "active", ACTIVE)):
            bars.text(right, 1.04, name, color=colour, ha="right", weight="bold", transform=bars.transAxes)
        line.plot(xs, [count.rate.share or 0.0 for count in counts], color=ACTIVE, **_markers(xs))
        line.set_title("share of active plays")
        line.set_ylim(0, None)
        line.yaxis.set_major_locator(MaxNLocator(3))
        _shares(line.yaxis)
        _position_axis(line, xs)
        label = (
            f"Active and passive plays by position 1 to {xs[-1]}: {active[0]:,} active and {passive[0]:,} "
            f"passive plays at position 1, {active[-1]:,} and {passive[-1]:,} at {_position_text(xs[-1])}"
        )
        return to_svg(figure, "positions", label)


def attention_by_position(counts: Sequence[PositionCount]) -> str:
    """Mean attention of passive plays by position in the session."""
    known = [(count.position, count.mean_passive_attention) for count in counts]
    points = [(position, value) for position, value in known if value is not None]
    xs, ys = [position for position, _ in points], [value for _, value in points]
    with plot_style():
        figure, (axes,) = new_figure(2.6)
        axes.plot(xs, ys, color=PASSIVE, **_markers(xs))
        axes.set_title("mean attention of passive plays")
        axes.set_ylim(0, max(ys) * 1.15 if max(ys) > 0 else 1)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        _position_axis(axes, xs)
        label = (
            f"Mean attention of passive plays by position: {ys[0]:.3f} at {xs[0]}, {ys[-1]:.3f} at the last"
        )
        return to_svg(figure, "attention-by-position", label)


def shown_bars(counts: Sequence[int]) -> list[tuple[float, float, int]]:
    """Return (left, width, count) of at most ``MOST_BARS`` bars over the range that occurs.

    Attention often lies in a narrow range: over [0, 1] it would be a single bar.
    """
    occupied = [index for index, count in enumerate(counts) if count]
    least = max(1, round(len(counts) * NARROWEST_RANGE))
    start = min(occupied[0], max(0, len(counts) - least))
    end = min(len(counts), max(occupied[-1] + 1, start + least))
    bins_of_bar = math.ceil((end - start) / MOST_BARS)
    width = 1 / len(counts)
    return [
        (at * width, min(bins_of_bar, end - at) * width, sum(counts[at : min(at + bins_of_bar, end)]))
        for at in range(start, end, bins_of_bar)
    ]


def histogram(name: str, what: str, distribution: Histogram) -> str:
    """The distribution of a share over passive plays, with its mean marked."""
    bars = shown_bars(distribution.counts)
    low, high = bars[0][0], bars[-1][0] + bars[-1][1]
    span = high - low
    mean = distribution.mean or 0.0
    with plot_style():
        figure, (axes,) = new_figure(2.6)
        for left, width, count in bars:
            axes.bar(left, count / width * bars[0][1], width=width * 0.88, align="edge", color=PASSIVE)
        axes.set_xlim(low - 0.01 * span, high + 0.01 * span)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.12)
        _counts(axes)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.set_title("passive plays")
        axes.set_xlabel(what)
        axes.axvline(mean, color=INK, linewidth=1.5)
        side, gap = ("left", 0.012) if mean < low + 0.6 * span else ("right", -0.012)
        axes.text(mean + gap * span, axes.get_ylim()[1], f"mean {mean:.3f}", ha=side, va="top", color=INK)
        label = f"Distribution of {what} over {distribution.total:,} passive plays, mean {mean:.3f}"
        return to_svg(figure, name, label)


def bands(axes: Axes, bounds_by_x: Iterable[tuple[float, Sequence[float]]], width: float) -> None:
    """Draw a bar from the lowest to the highest quantile at each place that has quantiles."""
    known = [(x, bounds[0], bounds[-1]) for x, bounds in bounds_by_x if bounds]
    xs, lows, highs = ([one[index] for one in known] for index in range(3))
    axes.vlines(xs, lows, highs, color=PASSIVE, alpha=0.3, linewidth=width)


def mean_weight(days: Sequence[PublicationFacts]) -> str:
    """Mean weight of passive plays by day, with the band from the 5th to the 95th percentile."""
    rows = [(day.day, day.mean_passive_weight, day.passive_weight_quantiles) for day in days]
    kept = [(day, mean, bounds) for day, mean, bounds in rows if mean is not None and bounds]
    first = kept[0][0]
    xs = [(day - first).days for day, _, _ in kept]
    means = [mean for _, mean, _ in kept]
    with plot_style():
        figure, (axes,) = new_figure(2.6)
        bands(axes, zip(xs, [bounds for *_, bounds in kept], strict=True), 7)
        axes.plot(xs, means, color=PASSIVE, marker="o", markersize=5)
        axes.text(xs[-1], means[-1] + 0.04, f"{means[-1]:.3f} ", ha="right", va="bottom", color=INK)
        axes.set_ylim(0, 1.02)
        axes.set_title("weight of passive plays: mean, and 5% to 95% of them")
        _day_axis(axes, [day for day, _, _ in kept], xs)
        ends = f"{means[0]:.3f} on {first}, {means[-1]:.3f} on {kept[-1][0]}"
        label = f"Mean weight of passive plays by day: {ends}"
        return to_svg(figure, "mean-weight", label)


def curves(name: str, title: str, lines: Sequence[Line], *, percent: bool = False) -> str:
    """Training metrics by epoch, each curve named at its end."""
    drawn = [line for line in lines if line.points]
    last = max(epoch for line in drawn for epoch, _ in line.points)
    with plot_style():
        figure, (axes,) = new_figure(2.6)
        for line in drawn:
            xs, ys = [epoch for epoch, _ in line.points], [value for _, value in line.points]
            style = {"linestyle": (0, (4, 3)), "linewidth": 1.5} if line.dashed else _markers(xs)
            axes.plot(xs, ys, color=line.colour, **style)
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.set_xlim(0.7, last + max(0.36 * last, 0.9))
        axes.set_xticks(_whole_ticks(1, last))
        axes.margins(y=0.18)
        if percent:
            axes.set_ylim(-0.03, 1.03)
            _shares(axes.yaxis)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        for y, line in _spread(axes, drawn):
            axes.text(line.points[-1][0] + last * 0.025, y, line.name, color=line.colour, va="center")
        ends = "; ".join(
            f"{line.name.replace(chr(10), ' ')} ends at {line.points[-1][1]:.4f}" for line in drawn
        )
        return to_svg(figure, name, f"{title}, by epoch: {ends}")


def reasons(counts: Sequence[QuarantineCount]) -> str:
    """Rows in quarantine by reason."""
    totals: dict[str, int] = {}
    for count in counts:
        totals[count.reason] = totals.get(count.reason, 0) + count.rows
    ordered = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    with plot_style():
        figure, (axes,) = new_figure(0.3 + 0.56 * len(ordered))
        largest = ordered[0][1]
        for y, (reason, rows) in enumerate(ordered):
            axes.barh(y, rows, height=0.34, color=PASSIVE)
            # The name stands above its bar: reasons are sentences, too long for the margin.
            short = textwrap.shorten(reason, REASON_LETTERS, placeholder=" ...")
            axes.text(0, y - 0.24, short, va="bottom", color=INK, fontsize=10.5)
            axes.text(rows + largest * 0.015, y, f"{rows:,}", va="center", color=INK, fontsize=10.5)
        axes.set_ylim(len(ordered) - 0.65, -0.75)
        axes.set_xlim(0, largest * 1.15)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xticks([])
        told = ", ".join(f"{reason} {rows:,}" for reason, rows in ordered)
        return to_svg(figure, "reasons", f"Rows in quarantine by reason: {told}")


def reliability(recovery: Recovery) -> str:
    """Estimated attention against the share that truly attended, in groups of equal size."""
    xs = [group.mean_estimated for group in recovery.bins]
    ys = [group.share_attended for group in recovery.bins]
    top = min(1.0, max([*xs, *ys]) * 1.12) or 1.0
    with plot_style():
        figure, (axes,) = new_figure(3.6)
        axes.plot([0, top], [0, top], color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.text(top, top * 0.9, "ideal", color=MUTED, ha="right", va="top")
        axes.plot(xs, ys, color=PASSIVE, marker="o", markersize=7, markeredgecolor=SURFACE)
        axes.set_xlim(-0.02 * top, top * 1.02)
        axes.set_ylim(-0.02 * top, top * 1.02)
        axes.grid(axis="x", visible=True)
        axes.set_title("share of the plays that were attended")
        axes.set_xlabel("mean estimated attention of the group")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        label = (
            f"Reliability of attention on {recovery.plays:,} passive plays: estimated {xs[0]:.2f} with "
            f"{ys[0]:.2f} attended in the lowest group, {xs[-1]:.2f} with {ys[-1]:.2f} in the highest"
        )
        return to_svg(figure, "reliability", label)


def _markers(xs: Sequence[int]) -> dict[str, Any]:
    return {"marker": "o", "markersize": 4.5 if len(xs) <= 20 else 3}


def _position_text(position: int) -> str:
    return f"{position}+" if position == LAST_POSITION else str(position)


def _position_axis(axes: Axes, xs: Sequence[int]) -> None:
    ticks = _whole_ticks(xs[0], xs[-1])
    axes.set_xticks(ticks, [_position_text(tick) for tick in ticks])
    axes.set_xlabel("position of the play in its session")


def _day_axis(axes: Axes, days: Sequence[date], xs: Sequence[int]) -> None:
    step = max(1, (len(days) - 1) // 4)
    chosen = list(range(len(days) - 1, -1, -step))
    axes.set_xticks([xs[index] for index in chosen], [f"{days[index]:%-d %b}" for index in chosen])
    axes.set_xlim(xs[0] - 0.5, xs[-1] + 0.5)


def _whole_ticks(first: int, last: int) -> list[int]:
    """Return the first and last number and round ones between."""
    step = next(size for size in (1, 2, 5, 10, 20, 50, 10**6) if (last - first) / size <= 8)
    between = [tick for tick in range(0, last, step) if tick > first and last - tick >= 0.6 * step]
    return [first, *between, last] if last > first else [first]


def _spread(axes: Axes, lines: Sequence[Line]) -> list[tuple[float, Line]]:
    """Return a height for the name of each line, near its end and clear of the others."""
    low, high = axes.get_ylim()
    placed: list[tuple[float, Line]] = []
    for line in sorted(lines, key=lambda one: one.points[-1][1]):
        y = line.points[-1][1]
        if placed:
            rows_below = placed[-1][1].name.count("\n") + line.name.count("\n") + 2
            y = max(y, placed[-1][0] + rows_below * 0.055 * (high - low))
        placed.append((y, line))
    return placed
