"""The partial aggregates of one day of events: a row for each value of each entity."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.config.measures import Measure, entities, entity_measures, partial_measures
from uae_model.features.aggregates.measures import entity_key, measure_of_day


def partials_of_day(events: DataFrame, bots: DataFrame, config: Config) -> DataFrame:
    """Return the partial aggregates of the events of one UTC day.

    Args:
        events: the events of the day.
        bots: ``user_id`` of the day's bots, few rows: what a bot plays says nothing of a song.
        config: the aggregates.

    Returns:
        ``dt``, ``entity``, ``key`` and a column for each measure, null where the entity does not need it.
        An entity's rows come from tasks of their own, so that a reader skips the files of the others.
    """
    people = events.join(F.broadcast(bots.select("user_id")), "user_id", "left_anti")
    columns = partial_measures(config)
    parts = []
    for entity, features in entities(config).items():
        needed = entity_measures(features)
        grouped = (
            people.select("*", entity_key(entity).alias("key"))
            .where(F.col("key").isNotNull())
            .groupBy("dt", "key")
            .agg(*[measure_of_day(measure, config).alias(measure.name) for measure in needed])
        )
        parts.append(
            grouped.select(
                "dt",
                F.lit(" x ".join(entity)).alias("entity"),
                "key",
                *[F.col(m.name) if m in needed else _absent(m) for m in columns],
            )
        )
    return reduce(DataFrame.unionByName, parts)


def _absent(measure: Measure) -> Column:
    """Return the column of a measure that an entity does not need."""
    return F.lit(None).cast("binary" if measure.kind == "sketch" else "bigint").alias(measure.name)
