"""Attention by context: the plays of a day by the values of the features that attention sees."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from functools import reduce

from matplotlib.ticker import MaxNLocator
from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from uae_model.config.features import Feature
from uae_model.pages.svg import INK, MUTED, PASSIVE, new_figure, plot_style, to_svg
from uae_model.report.facts import Contexts, ContextValue, Rate

MOST_FEATURES = 9
MOST_VALUES = 24
"""Values of a feature that are kept, the most played ones: the hours of a day."""

MOST_BARS = 8
"""Values without an order that a plot shows, the most played ones."""

COUNT_ERROR = 0.01
"""Relative error of the number of values: small enough that 24 hours are 24."""

SHARES = (0.2, 0.4, 0.6, 0.8)
"""Quantiles between the ranges of a numeric feature that has more values than are shown."""

ALL_PLAYS = ""
"""Stands for a feature in the row that counts every play once."""

MISSING = "(missing)"
VALUE_LETTERS = 20

FEWEST_PLAYS, SMALLEST_SHARE = 30, 0.01
"""A context of fewer plays is not called inattentive: its mean would be noise."""

BELOW = 0.9
"""A context is called inattentive where its mean is below this share of the mean of all plays."""

NAMED = 3


def shown_features(features: Iterable[Feature], columns: Sequence[str]) -> list[Feature]:
    """Return the declared contexts that a table has, in their order; ids are no contexts to look at."""
    contexts = [feature for feature in features if feature.role != "preference" and feature.origin != "event"]
    return [feature for feature in contexts if feature.column in columns][:MOST_FEATURES]


def contexts(plays: DataFrame, features: Iterable[Feature]) -> Contexts | None:
    """Return plays, active plays and mean attention by the values of each context, most played ones only.

    None where no declared context is a column, or there are no plays.

    Args:
        plays: ``is_active``, ``attention`` and the features' columns.
        features: the declared ones.
    """
    shown = shown_features(features, plays.columns)
    if not shown:
        return None
    numbers = [f.column for f in shown if isinstance(plays.schema[f.column].dataType, T.NumericType)]
    edges = _edges(plays, numbers)
    cells = [_cell(feature, feature.column in numbers, edges.get(feature.column)) for feature in shown]
    cells.append(_struct(F.lit(ALL_PLAYS), F.lit(ALL_PLAYS), F.lit(None).cast("double")))
    rows = (
        plays.select("is_active", "attention", F.explode(F.array(*cells)).alias("cell"))
        .groupBy("cell.feature", "cell.value", "cell.order")
        .agg(
            F.count("*").alias("plays"),
            F.count_if("is_active").alias("active"),
            F.avg("attention").alias("attention"),
        )
    )
    most_played = Window.partitionBy("feature").orderBy(F.desc("plays"), "value")
    kept = rows.withColumn("rank", F.row_number().over(most_played)).where(F.col("rank") <= MOST_VALUES)
    place = {feature.name: index for index, feature in enumerate(shown)}
    counted = [_context_value(row) for row in kept.collect()]
    everything = [one for one in counted if one.feature == ALL_PLAYS]
    if not everything:
        return None
    values = [one for one in counted if one.feature != ALL_PLAYS]
    values.sort(key=lambda one: (place[one.feature], *_in_order(one)))
    return Contexts(everything[0].rate.plays, everything[0].mean_attention, tuple(values))


def _in_order(one: ContextValue) -> tuple[bool, float, float, str]:
    """Return the place among the values of a feature: by their order, else by their attention."""
    return one.order is None, one.order or 0.0, one.mean_attention, one.value


def _edges(plays: DataFrame, columns: Sequence[str]) -> dict[str, list[float]]:
    """Return the edges between the ranges of each numeric column that has too many values to show."""
    if not columns:
        return {}
    figures = [F.approx_count_distinct(name, COUNT_ERROR).alias(f"{name}_values") for name in columns]
    figures += [F.percentile_approx(name, list(SHARES)).alias(name) for name in columns]
    row = plays.agg(*figures).collect()[0]
    return {
        name: sorted(set(map(float, row[name])))
        for name in columns
        if row[f"{name}_values"] > MOST_VALUES and row[name]
    }


def _cell(feature: Feature, is_number: bool, edges: Sequence[float] | None) -> Column:
    """Return the struct (feature, value as text, order) of one feature of a play."""
    column = F.col(feature.column)
    text, order = column.cast("string"), F.lit(None).cast("double")
    if is_number:
        order = column.cast("double")
    if edges:
        order = reduce(lambda sum_, edge: sum_ + (column > edge).cast("double"), edges, F.lit(0.0))
        order = F.when(column.isNull(), None).otherwise(order)
        names = F.array(*[F.lit(name) for name in range_names(edges)])
        text = F.when(column.isNull(), None).otherwise(F.get(names, order.cast("int")))
    return _struct(F.lit(feature.name), F.coalesce(text, F.lit(MISSING)), order)


def _struct(feature: Column, value: Column, order: Column) -> Column:
    return F.struct(feature.alias("feature"), value.alias("value"), order.alias("order"))


def range_names(edges: Sequence[float]) -> list[str]:
    """Return the names of the ranges that edges make; each range ends with its edge."""
    ends = [f"{edge:,.0f}" if edge == int(edge) else f"{float(f'{edge:.3g}'):,g}" for edge in edges]
    between = [f"to {end}" for end in ends[1:]]
    return [f"up to {ends[0]}", *between, f"over {ends[-1]}"]


def _context_value(row: Row) -> ContextValue:
    return ContextValue(
        row["feature"], row["value"], row["order"], Rate(row["plays"], row["active"]), row["attention"]
    )


def least_attentive(contexts: Contexts) -> list[ContextValue]:
    """Return the contexts with the least attention: a tenth below the mean, and not rare; least first."""
    fewest = max(FEWEST_PLAYS, SMALLEST_SHARE * contexts.plays)
    low = [
        one
        for one in contexts.values
        if one.rate.plays >= fewest and one.mean_attention < BELOW * contexts.mean_attention
    ]
    return sorted(low, key=lambda one: (one.mean_attention, one.feature, one.value))[:NAMED]


def inattentive_sentence(contexts: Contexts) -> str:
    """Return which contexts have the least attention, in a sentence."""
    low, mean = least_attentive(contexts), f"{contexts.mean_attention:.3f}"
    if not low:
        return f"No context with enough plays lies a tenth below the mean attention of {mean}."
    told = ", ".join(
        f"{one.feature} {one.value} ({one.mean_attention:.3f} over {one.rate.plays:,} plays)" for one in low
    )
    return f"Least attentive: {told}; the mean of all plays is {mean}."


def context_plots(contexts: Contexts) -> dict[str, str]:
    """Draw a plot for each feature: a line where its values have an order, bars where they have none."""
    drawn, mean = {}, contexts.mean_attention
    for feature, values in contexts.by_feature().items():
        ordered = [one for one in values if one.order is not None]
        is_line = len(ordered) > 1 and len(ordered) + 1 >= len(values)
        drawn[feature] = _line(feature, ordered, mean) if is_line else _bars(feature, values, mean)
    return drawn


def _line(feature: str, values: Sequence[ContextValue], mean: float) -> str:
    are_ranges = values[0].value.startswith("up to ")
    xs = list(range(len(values))) if are_ranges else [one.order or 0.0 for one in values]
    ys = [one.mean_attention for one in values]
    with plot_style():
        figure, (axes,) = new_figure(2.1)
        axes.plot(xs, ys, color=PASSIVE, marker="o", markersize=4.5)
        if are_ranges:
            axes.set_xticks(xs, [one.value for one in values])
        else:
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.set_ylim(0, max(*ys, mean) * 1.2 or 1)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.axhline(mean, color=INK, linewidth=1, linestyle=(0, (3, 3)))
        return to_svg(figure, f"context-{feature}", _label(feature, values, mean))


def _bars(feature: str, values: Sequence[ContextValue], mean: float) -> str:
    most_played = sorted(values, key=lambda one: (-one.rate.plays, one.value))[:MOST_BARS]
    shown = sorted(most_played, key=lambda one: (one.mean_attention, one.value))
    with plot_style():
        figure, (axes,) = new_figure(0.65 + 0.3 * len(shown))
        largest = max([mean, *(one.mean_attention for one in shown)]) or 1.0
        for y, one in enumerate(shown):
            axes.barh(y, one.mean_attention, height=0.6, color=PASSIVE)
            # In a column of their own, where the line of the mean runs through no number.
            axes.text(largest * 1.24, y, f"{one.mean_attention:.3f}", va="center", ha="right", color=INK)
            counted = f"{one.rate.plays:,} plays"
            axes.text(largest * 1.7, y, counted, va="center", ha="right", color=MUTED, fontsize=10)
        axes.axvline(mean, color=INK, linewidth=1, linestyle=(0, (3, 3)))
        names = [textwrap.shorten(one.value, VALUE_LETTERS, placeholder="...") for one in shown]
        axes.set_yticks(range(len(shown)), names)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_xlim(0, largest * 1.7)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="y", visible=False)
        return to_svg(figure, f"context-{feature}", _label(feature, shown, mean))


def _label(feature: str, values: Sequence[ContextValue], mean: float) -> str:
    told = ", ".join(f"{one.value} {one.mean_attention:.3f}" for one in values)
    return f"Mean attention by {feature}: {told}; all plays {mean:.3f}"
