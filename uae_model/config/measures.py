"""Measures: what must be kept of a day so that declared aggregates can be computed of any window of days.

The declarations alone; ``uae_model.features.aggregates.measures`` has the Spark columns that compute them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from uae_model.config.aggregates import Aggregate
from uae_model.config.features import Feature
from uae_model.config.settings import Config

MeasureKind = Literal["count", "known", "total", "last", "sketch"]


@dataclass(frozen=True)
class Measure:
    """A mergeable aggregate of an entity's plays of one day.

    Attributes:
        kind: ``count`` of plays, plays whose value is ``known``, ``total`` of the value in millionths,
            ``last`` start in microseconds, or ``sketch`` (HyperLogLog) of the value.
        value: the column that ``known``, ``total`` and ``sketch`` read.
        feedback: only plays with this feedback count; empty: any.
        plays: only these plays count: all, active, passive, completed.
    """

    kind: MeasureKind
    value: str = ""
    feedback: tuple[str, ...] = ()
    plays: str = "all"

    @property
    def name(self) -> str:
        """The column of ``feature_partials``."""
        which = () if self.plays == "all" else (self.plays,)
        value = (self.value,) if self.value else ()
        return "_".join([self.kind, *value, *which, *sorted(self.feedback)])


def measures(aggregate: Aggregate) -> list[Measure]:
    """Return what a feature merges; the last one is what its value is divided by, if there are two."""
    counted = Measure("count", "", tuple(sorted(aggregate.feedback)), aggregate.plays)
    valued = replace(counted, value=aggregate.value)
    return {
        "count": [counted],
        "rate": [counted, Measure("count")],
        "sum": [replace(valued, kind="total")],
        "mean": [replace(valued, kind="total"), replace(valued, kind="known")],
        "last_seen": [replace(counted, kind="last")],
        "approx_distinct": [replace(valued, kind="sketch")],
    }[aggregate.function]


def entities(config: Config) -> dict[tuple[str, ...], list[Feature]]:
    """Return the features of each entity, both in the order of their declaration."""
    by_entity: dict[tuple[str, ...], list[Feature]] = {}
    for feature in config.features.of_origin("aggregate"):
        by_entity.setdefault(declared(feature).entity, []).append(feature)
    return by_entity


def declared(feature: Feature) -> Aggregate:
    """Return what an aggregate feature declares."""
    if feature.aggregate is None:
        raise ValueError(f"feature {feature.name} is no aggregate")
    return feature.aggregate


def entity_measures(features: list[Feature]) -> list[Measure]:
    """Return the measures that some features of one entity need, each once."""
    return list(dict.fromkeys(m for feature in features for m in measures(declared(feature))))


def partial_measures(config: Config) -> list[Measure]:
    """Return the measures of all entities, each once: the columns of ``feature_partials``."""
    return list(dict.fromkeys(m for features in entities(config).values() for m in entity_measures(features)))


def first_needed_day(day: date, features: Sequence[Feature]) -> date:
    """Return the first day whose partials the features of a day read."""
    return day - timedelta(days=max(declared(feature).window for feature in features))
