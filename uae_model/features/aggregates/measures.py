"""What must be kept of a day so that the declared aggregates can be computed of any window of days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812

from uae_model.config import Aggregate, Config, Feature
from uae_model.config.aggregates import EVENT_ENTITIES, PLAYED_SECONDS

MILLION = 1_000_000
"""Sums are kept in whole millionths: floating point sums would depend on the order of their terms."""

LARGEST_VALUE = 1e9
"""Values beyond this do not count: the sum of a day would leave the range of 64 bits."""

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

    @property
    def column_type(self) -> T.DataType:
        """The type of that column."""
        return T.BinaryType() if self.kind == "sketch" else T.LongType()

    def of_day(self, config: Config) -> Column:
        """Return the aggregate over the events of one day."""
        counts = self._counts(config)
        if self.kind == "count":
            return F.count_if(counts)
        if self.kind == "last":
            return F.max(F.when(counts, F.unix_micros("played_at")))
        if self.kind == "sketch":
            return F.hll_sketch_agg(F.when(counts, entity_column(self.value)))
        millionths = F.when(counts, _millionths(self.value))
        return F.count(millionths) if self.kind == "known" else F.coalesce(F.sum(millionths), F.lit(0))

    def merged(self, within: Column) -> Column:
        """Return the merge of the days for which ``within`` holds; null where there is none."""
        days = F.when(within, F.col(self.name))
        if self.kind == "last":
            return F.max(days)
        return F.hll_union_agg(days) if self.kind == "sketch" else F.sum(days)

    def _counts(self, config: Config) -> Column:
        active = F.col("feedback").isin(list(config.labels.active))
        completed = F.col("played_ms") >= config.aggregation.completed_seconds * 1000
        which = {
            "all": F.lit(True),
            "active": active,
            "passive": ~active,
            "completed": F.coalesce(completed, F.lit(False)),
        }[self.plays]
        return which & F.col("feedback").isin(list(self.feedback)) if self.feedback else which


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
    found: dict[tuple[str, ...], list[Feature]] = {}
    for feature in config.features_from("aggregate"):
        found.setdefault(declared(feature).entity, []).append(feature)
    return found


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
    return list(dict.fromkeys(m for found in entities(config).values() for m in entity_measures(found)))


def first_needed_day(day: date, features: list[Feature]) -> date:
    """Return the first day whose partials the features of a day read."""
    return day - timedelta(days=max(declared(feature).window for feature in features))


def entity_column(name: str) -> Column:
    """Return the column of events or plays that an entity or a value of ``approx_distinct`` names."""
    if name == "hour_of_day":
        return F.hour("played_at").cast("string")
    if name == "day_of_week":
        return (F.weekday("played_at") + 1).cast("string")
    return F.col(EVENT_ENTITIES.get(name, name))


def entity_key(entity: tuple[str, ...]) -> Column:
    """Return the 64-bit hash that names an entity; null where one of its columns is.

    Two of a billion keys share a hash with a chance of 3 %: short enough to keep a row of partials small.
    """
    columns = [entity_column(name) for name in entity]
    known = columns[0].isNotNull()
    for column in columns[1:]:
        known = known & column.isNotNull()
    return F.when(known, F.xxhash64(*columns))


def _millionths(value: str) -> Column:
    number = F.col("played_ms") / 1000 if value == PLAYED_SECONDS else F.col(value)
    usable = F.abs(number) <= LARGEST_VALUE  # not true of NaN, which sorts above every number
    return F.when(usable, F.round(number * MILLION).cast("bigint"))
