"""The Spark columns of measures: the aggregate of a day, and the merge of a window's days."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.config.aggregates import EVENT_ENTITIES, PLAYED_SECONDS
from uae_model.config.measures import Measure

MILLION = 1_000_000
"""Sums are kept in whole millionths: floating point sums would depend on the order of their terms."""

LARGEST_VALUE = 1e9
"""Values beyond this do not count: the sum of a day would leave the range of 64 bits."""


def measure_of_day(measure: Measure, config: Config) -> Column:
    """Return the aggregate over the events of one day."""
    counts = _counts(measure, config)
    if measure.kind == "count":
        return F.count_if(counts)
    if measure.kind == "last":
        return F.max(F.when(counts, F.unix_micros("played_at")))
    if measure.kind == "sketch":
        return F.hll_sketch_agg(F.when(counts, entity_column(measure.value)))
    millionths = F.when(counts, _millionths(measure.value))
    return F.count(millionths) if measure.kind == "known" else F.coalesce(F.sum(millionths), F.lit(0))


def merged_measure(measure: Measure, within: Column) -> Column:
    """Return the merge of the days for which ``within`` holds; null where there is none."""
    days = F.when(within, F.col(measure.name))
    if measure.kind == "last":
        return F.max(days)
    return F.hll_union_agg(days) if measure.kind == "sketch" else F.sum(days)


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


def _counts(measure: Measure, config: Config) -> Column:
    active = F.col("feedback").isin(list(config.labels.active))
    completed = F.col("played_ms") >= config.aggregation.completed_seconds * 1000
    which = {
        "all": F.lit(True),
        "active": active,
        "passive": ~active,
        "completed": F.coalesce(completed, F.lit(False)),
    }[measure.plays]
    return which & F.col("feedback").isin(list(measure.feedback)) if measure.feedback else which


def _millionths(value: str) -> Column:
    number = F.col("played_ms") / 1000 if value == PLAYED_SECONDS else F.col(value)
    usable = F.abs(number) <= LARGEST_VALUE  # not true of NaN, which sorts above every number
    return F.when(usable, F.round(number * MILLION).cast("bigint"))
