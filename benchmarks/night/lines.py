"""What the steps of nights cost: lines through the sizes, what they are held to, tables, a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter

from benchmarks.claims import Claim
from uae_model.pages.markdown import markdown_table
from uae_model.pages.svg import ACTIVE, INK, MUTED, PASSIVE, new_figure, plot_style, to_svg

COUNTED = ("feed", "plays", "scores", "publications")
"""The steps whose cost a play more is held to ``LIMIT``."""
LIMIT = 40.0
"""Microseconds of CPU time for a play more, all of these steps together, with the default features."""
MOST_OF_TENFOLD = 11.0
"""How many times as much ten times the plays may cost."""

NAMES = {
    "feed": "ingest",
    "plays": "sessions",
    "feature_partials": "partials",
    "features": "features",
    "feature_health": "feature health",
    "scores": "score",
    "publications": "publish",
    "report": "report",
}
MOVED = ("read", "written", "shuffled", "spilled")
"""What of a step's bytes is shown."""

MEGABYTE, GIGABYTE, MICROSECOND, MILLION = 1e6, 1e9, 1e-6, 1e6
OF_ITS_SIZE = 0.8
"""A night with a smaller share of a run's plays is not the one that the run is about."""
SHORTEST = 0.1
"""Seconds below which a step had nothing to do."""


@dataclass(frozen=True)
class Line:
    """The cost of a step: CPU seconds of any night, and for each play more, with its standard error.

    The error is None where there are but two sizes, which any line meets.
    """

    fixed: float
    marginal: float
    error: float | None

    @classmethod
    def through(cls, plays: Sequence[int], seconds: Sequence[float]) -> Line:
        """Return the least squares line through some nights; each counts by the inverse of its size.

        The cost of a large night is uncertain by more seconds than that of a small one. Without weights the
        largest would settle the line alone.
        """
        size, cost = np.asarray(plays, float), np.asarray(seconds, float)
        weight = 1 / size
        middle = float((weight * size).sum() / weight.sum())
        height = float((weight * cost).sum() / weight.sum())
        spread = float((weight * (size - middle) ** 2).sum())
        slope = float((weight * (size - middle) * (cost - height)).sum() / spread)
        rest = cost - height - slope * (size - middle)
        error = None
        if len(size) > 2:
            error = float(np.sqrt((weight * rest**2).sum() / (len(size) - 2) / spread))
        return cls(height - slope * middle, slope, error)

    def seconds(self, plays: float) -> float:
        """Return the CPU seconds of a night."""
        return self.fixed + self.marginal * plays


def counted_night(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the last night of a run that is of its size: the second, where a process is warm."""
    nights: list[Mapping[str, Any]] = result["nights"]
    return next(night for night in reversed(nights) if night["plays"] >= OF_ITS_SIZE * result["plays"])


def step_of(night: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what a step of a night took."""
    step: Mapping[str, Any] = next(step for step in night["steps"] if step["step"] == name)
    return step


def lines_of(results: Sequence[Mapping[str, Any]]) -> dict[str, Line]:
    """Return the cost of each step that had something to do."""
    nights = [counted_night(result) for result in results]
    steps = [
        step["step"]
        for step in nights[0]["steps"]
        if step["step"] in NAMES and step_of(nights[-1], step["step"])["seconds"] > SHORTEST
    ]
    return {
        name: Line.through(
            [night["plays"] for night in nights], [step_of(night, name)["cpu_seconds"] for night in nights]
        )
        for name in steps
    }


def table(results: Sequence[Mapping[str, Any]], lines: Mapping[str, Line]) -> str:
    """Return the steps as a Markdown table: the lines, and what the largest night took."""
    night = counted_night(results[-1])
    rows = []
    for name, line in lines.items():
        step = step_of(night, name)
        error = "" if line.error is None else f" ± {line.error / MICROSECOND:.1f}"
        rows.append(
            [
                NAMES[name],
                f"{line.fixed:.0f} s",
                f"{line.marginal / MICROSECOND:.1f} µs{error}",
                f"{step['seconds']:,.0f} s",
                f"{night['plays'] / step['cpu_seconds']:,.0f}",
                f"{step['peak_bytes'] / GIGABYTE:.1f} GB",
                *[f"{step[f'bytes_{what}'] / MEGABYTE:,.0f}" for what in MOVED],
            ]
        )
    header = (
        "step",
        "CPU of any night",
        "CPU of a play more",
        f"night of {night['plays']:,} plays",
        "plays a second and core",
        "peak memory",
        *("MB read", "written", "shuffled", "spilled"),
    )
    return markdown_table(header, rows)


def sizes_table(results: Sequence[Mapping[str, Any]], lines: Mapping[str, Line]) -> str:
    """Return the CPU microseconds that a play takes in each step, by size."""
    nights = [counted_night(result) for result in results]
    rows = [
        [
            NAMES[name],
            *[
                f"{step_of(night, name)['cpu_seconds'] / night['plays'] / MICROSECOND:.1f}"
                for night in nights
            ],
        ]
        for name in lines
    ]
    return markdown_table(("step", *[f"{night['plays']:,} plays" for night in nights]), rows)


def claims(results: Sequence[Mapping[str, Any]], lines: Mapping[str, Line]) -> list[Claim]:
    """Return what the nights are held to."""
    marginal = sum(lines[name].marginal for name in COUNTED) / MICROSECOND
    text = f"a play more costs at most {LIMIT:g} µs of CPU in ingest, sessions, score and publish"
    said = [Claim(text, f"{marginal:.1f} µs", marginal <= LIMIT)]
    by_size = {result["plays"]: counted_night(result) for result in results}
    for size, night in by_size.items():
        if size * 10 not in by_size:
            continue
        tenfold = by_size[size * 10]
        times = {
            name: step_of(tenfold, name)["cpu_seconds"] / step_of(night, name)["cpu_seconds"]
            for name in lines
        }
        worst = max(times, key=lambda name: times[name])
        text = f"{size * 10:,} plays cost at most {MOST_OF_TENFOLD:g} times {size:,} in every step"
        said.append(Claim(text, f"{NAMES[worst]} {times[worst]:.1f} times", times[worst] <= MOST_OF_TENFOLD))
    return said


def figure(results: Sequence[Mapping[str, Any]], lines: Mapping[str, Line]) -> str:
    """Return a plot of the steps' CPU time by plays, with their lines, as an SVG element."""
    nights = [counted_night(result) for result in results]
    sizes = np.array([night["plays"] for night in nights], float)
    along = np.geomspace(sizes.min(), sizes.max(), 50)
    with plot_style():
        drawn, (axes,) = new_figure(3.6)
        styles = [
            (ACTIVE, "-"),
            (PASSIVE, "-"),
            (INK, "-"),
            (MUTED, "-"),
            (MUTED, ":"),
            (INK, ":"),
            (ACTIVE, ":"),
        ]
        for (name, line), (colour, style) in zip(lines.items(), styles, strict=False):
            cost = [step_of(night, name)["cpu_seconds"] for night in nights]
            axes.plot(sizes, cost, "o", color=colour, markersize=4)
            drawn_line = [line.seconds(plays) for plays in along]
            axes.plot(along, drawn_line, style, color=colour, linewidth=1.4, label=NAMES[name])
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda plays, _: f"{plays / MILLION:g} M"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g} s"))
        axes.set_title("CPU seconds of a step by plays of the night")
        axes.legend(frameon=False, fontsize=10)
        told = "; ".join(
            f"{NAMES[name]} {line.fixed:.0f} s and {line.marginal / MICROSECOND:.1f} µs a play"
            for name, line in lines.items()
        )
        return to_svg(drawn, "night-lines", f"CPU seconds of each step of a night by its plays: {told}")
