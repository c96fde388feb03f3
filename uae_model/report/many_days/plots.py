"""Small multiples over the days of a range, each with the same days and the same events marked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from uae_model.pages.svg import ACTIVE, INK, MUTED, PASSIVE, new_figure, plot_style, to_svg
from uae_model.report.many_days.facts import KINDS, DayHistory, Event, ManyDays
from uae_model.report.plots import bands, count_text

HEIGHT = 1.75
"""Inches of a plot."""

LITTLE, MUCH = 0.1, 0.25
"""Limits of the population stability index: below little has changed, above much."""

MARKS: dict[str, dict[str, Any]] = {
    "model": {"marker": "v", "color": INK},
    "refused": {"marker": "X", "color": ACTIVE},
    "accepted": {"marker": "s", "color": ACTIVE},
    "reopened": {"marker": "o", "color": MUTED},
    "missing": {"marker": "_", "color": ACTIVE},
}
"""How each kind of event is marked."""

WHOLE = frozenset({"plays", "quarantine", "versions"})
"""Plots of whole numbers: their axes have no others."""

MARK_SIZE = 26
MOST_TICKS = 6
MOST_TABLES = 8


def figures(facts: ManyDays) -> dict[str, str]:
    """Draw each plot for which there is something to draw."""
    drawn = {
        "events": _events(facts) if facts.events() else "",
        "plays": _plays(facts),
        "active": _active(facts),
        "attention": _attention(facts),
        "weight": _weight(facts),
        "quarantine": _quarantine(facts) if any(day.quarantined for day in facts.days) else "",
        "drift": _drift(facts) if any(day.stability for day in facts.days) else "",
        "versions": _versions(facts),
        "seconds": _seconds(facts) if facts.tables else "",
    }
    return {name: svg for name, svg in drawn.items() if svg}


def _number_of(facts: ManyDays, value: Callable[[DayHistory], float | None]) -> list[float]:
    """Return a figure of every day; not a number where the day has none, so that lines break there."""
    known = [value(day) for day in facts.days]
    return [math.nan if one is None else float(one) for one in known]


def _of_published(facts: ManyDays, name: str) -> list[float]:
    return _number_of(facts, lambda day: getattr(day.published, name) if day.published else None)


def _day_axis(axes: Axes, facts: ManyDays) -> None:
    days = [day.day for day in facts.days]
    step = max(1, math.ceil(len(days) / MOST_TICKS))
    chosen = list(range(len(days) - 1, -1, -step))
    axes.set_xticks(chosen, [f"{days[index]:%-d %b}" for index in chosen])
    axes.set_xlim(-0.7, len(days) - 0.3)


def _mark(axes: Axes, facts: ManyDays) -> None:
    """Mark events above a plot; a line shows where another model begins."""
    for event in facts.events():
        x = (event.day - facts.first).days
        if event.kind == "model":
            axes.axvline(x, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        axes.scatter(
            [x],
            [1.0],
            s=MARK_SIZE,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            linewidths=1.5 if event.kind == "missing" else 0,
            zorder=5,
            **MARKS[event.kind],
        )


def _plot(
    name: str, facts: ManyDays, label: str, draw: Callable[[Axes], None], form: Callable[[float], str]
) -> str:
    with plot_style():
        figure, (axes,) = new_figure(HEIGHT)
        draw(axes)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=name in WHOLE, min_n_ticks=1))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: form(value)))
        _day_axis(axes, facts)
        _mark(axes, facts)
        return to_svg(figure, f"days-{name}", f"{label}, {facts.first} to {facts.last}")


def _line(axes: Axes, ys: Sequence[float], colour: str = PASSIVE) -> None:
    # A day alone between gaps is a dot.
    axes.plot(range(len(ys)), ys, color=colour, marker="o", markersize=4 if len(ys) <= 40 else 2.5)


def _ends(ys: Sequence[float], form: Callable[[float], str]) -> str:
    known = [y for y in ys if not math.isnan(y)]
    return f"{form(known[0])} first, {form(known[-1])} last" if known else "not known"


def _from_zero(axes: Axes, ys: Sequence[float], top: float = 1.12) -> None:
    known = [y for y in ys if not math.isnan(y)]
    axes.set_ylim(0, max(known, default=0.0) * top or 1.0)


def _plays(facts: ManyDays) -> str:
    ys = _of_published(facts, "plays")

    def draw(axes: Axes) -> None:
        _line(axes, ys)
        _from_zero(axes, ys)

    return _plot("plays", facts, f"Plays by day: {_ends(ys, '{:,.0f}'.format)}", draw, count_text)


def _active(facts: ManyDays) -> str:
    ys = _number_of(facts, lambda day: _share(day))

    def draw(axes: Axes) -> None:
        _line(axes, ys, ACTIVE)
        _from_zero(axes, ys)

    label = f"Share of active plays by day: {_ends(ys, '{:.2%}'.format)}"
    return _plot("active", facts, label, draw, "{:.0%}".format)


def _share(day: DayHistory) -> float | None:
    return day.published.active / day.published.plays if day.published and day.published.plays else None


def _attention(facts: ManyDays) -> str:
    ys = _of_published(facts, "mean_passive_attention")
    bounds = [day.published.mean_interval if day.published else None for day in facts.days]
    low, high = ([one[end] if one else math.nan for one in bounds] for end in (0, 1))

    def draw(axes: Axes) -> None:
        axes.fill_between(range(len(ys)), low, high, color=MUTED, alpha=0.18, linewidth=0, step="mid")
        _line(axes, ys)
        _from_zero(axes, [*ys, *high])

    label = f"Mean attention of passive plays by day: {_ends(ys, '{:.3f}'.format)}"
    return _plot("attention", facts, label, draw, "{:.2f}".format)


def _weight(facts: ManyDays) -> str:
    ys = _of_published(facts, "mean_passive_weight")

    quantiles = [day.published.passive_weight_quantiles if day.published else () for day in facts.days]

    def draw(axes: Axes) -> None:
        bands(axes, enumerate(quantiles), max(1.5, min(7.0, 180 / len(ys))))
        _line(axes, ys)
        _from_zero(axes, [*ys, *(bounds[-1] for bounds in quantiles if bounds)])

    label = f"Mean weight of passive plays by day: {_ends(ys, '{:.3f}'.format)}"
    return _plot("weight", facts, label, draw, "{:.2f}".format)


def _quarantine(facts: ManyDays) -> str:
    ys = [day.quarantined for day in facts.days]

    def draw(axes: Axes) -> None:
        axes.bar(range(len(ys)), ys, width=0.75, color=PASSIVE)
        _from_zero(axes, ys)

    label = f"Feed rows in quarantine by day: {sum(ys):,} in all, {max(ys):,} at most"
    return _plot("quarantine", facts, label, draw, count_text)


def _drift(facts: ManyDays) -> str:
    ys = _number_of(facts, lambda day: max(day.stability.values(), default=None))

    def draw(axes: Axes) -> None:
        for limit in (LITTLE, MUCH):
            axes.axhline(limit, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        _line(axes, ys)
        _from_zero(axes, [*ys, MUCH])

    label = f"Largest stability index of a feature by day: {_ends(ys, '{:.2f}'.format)}"
    return _plot("drift", facts, label, draw, "{:.2f}".format)


def _versions(facts: ManyDays) -> str:
    ys = _of_published(facts, "attention_version")

    def draw(axes: Axes) -> None:
        axes.step(range(len(ys)), ys, where="mid", color=PASSIVE)
        axes.plot(range(len(ys)), ys, color=PASSIVE, marker="o", markersize=3, linestyle="none")
        axes.set_ylim(np.nanmin(ys) - 0.7, np.nanmax(ys) + 0.7)

    label = f"Version of the attention model by day: {_ends(ys, '{:.0f}'.format)}"
    return _plot("versions", facts, label, draw, "{:.0f}".format)


def _seconds(facts: ManyDays) -> str:
    """A panel for each table that takes longest."""
    total = {name: sum(day.seconds.get(name, 0.0) for day in facts.days) for name in facts.tables}
    longest = sorted(total, key=lambda name: -total[name])[:MOST_TABLES]
    names = [name for name in facts.tables if name in longest]
    with plot_style():
        figure, panels = new_figure(0.35 + 0.85 * len(names), [1] * len(names))
        for axes, name in zip(panels, names, strict=True):
            ys = [day.seconds.get(name, 0.0) for day in facts.days]
            axes.bar(range(len(ys)), ys, width=0.75, color=PASSIVE)
            axes.set_title(name, fontsize=10.5)
            axes.set_ylim(0, max(ys) * 1.4 or 1)
            axes.yaxis.set_major_locator(MaxNLocator(2))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.4g}"))
            _mark(axes, facts)
        _day_axis(panels[-1], facts)
        told = ", ".join(f"{name} {total[name]:,.0f}" for name in names)
        label = f"Seconds of the last build of each day by table, in all: {told}"
        return to_svg(figure, "days-seconds", label)


def _events(facts: ManyDays) -> str:
    """A row for each kind of event, with a mark on each day."""
    events = facts.events()
    kinds = [kind for kind in KINDS if any(event.kind == kind for event in events)]
    with plot_style():
        figure, (axes,) = new_figure(0.45 + 0.3 * len(kinds))
        for y, kind in enumerate(kinds):
            xs = [x for event in events if event.kind == kind for x in _days_of(event, facts)]
            width = 1.5 if kind == "missing" else 0
            axes.scatter(xs, [y] * len(xs), s=MARK_SIZE, linewidths=width, **MARKS[kind])
        axes.set_yticks(range(len(kinds)), [KINDS[kind] for kind in kinds])
        axes.set_ylim(len(kinds) - 0.5, -0.5)
        _day_axis(axes, facts)
        counts = [f"{KINDS[kind]} {sum(event.kind == kind for event in events)}" for kind in kinds]
        return to_svg(figure, "days-events", f"Events by day: {', '.join(counts)}")


def _days_of(event: Event, facts: ManyDays) -> list[int]:
    """Return the places of the days that an event concerns: a gap is one event of several days."""
    if event.kind != "missing":
        return [(event.day - facts.first).days]
    return _run(facts.missing, event.day, facts.first)


def _run(days: Sequence[date], start: date, first: date) -> list[int]:
    places = sorted((day - first).days for day in days if day >= start)
    return [place for index, place in enumerate(places) if place == places[0] + index]
