"""From partials to the aggregate features of each play of a day."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Feature
from uae_model.config.measures import Measure, declared, entities, entity_measures, first_needed_day, measures
from uae_model.features.aggregates.measures import MILLION, entity_key, merged_measure

DAY_MICROSECONDS = 86_400 * MILLION

BROADCAST_KEYS = 2_000_000
"""Up to this many plays of a day, their keys are broadcast, so that partials of other keys are dropped early;
so are the windows of those keys, so that the plays need not be shuffled and sorted for each entity."""


def features_of_day(
    plays: DataFrame, partials: DataFrame, day: date, config: Config, play_count: int
) -> DataFrame:
    """Return ``event_id``, ``dt`` and every joined feature of the plays of one day.

    An entity that did not play in a window counts 0, and its rates, means and times are null, as is every
    feature of a play whose entity is not known (an artist that the feed did not name): such a play keeps its
    row; the attention networks read the training mean for what is missing, recommenders a bin of its own.

    Args:
        plays: the plays of ``day``, with the attributes that features take from dimensions.
        partials: ``feature_partials`` of the days before, at least those of the longest window.
        day: the day on which the plays' sessions started; no partial of it or after it is read.
        config: the aggregates.
        play_count: rows of ``plays``.
    """
    features_by_entity = entities(config)
    keys = {entity: f"_key_{number}" for number, entity in enumerate(features_by_entity)}
    attributes = [feature.name for feature in config.features if feature.is_attribute]
    keyed = plays.select(
        *("event_id", "dt", "played_at", *attributes),
        *[entity_key(entity).alias(name) for entity, name in keys.items()],
    )
    joined = keyed
    few_keys = play_count <= BROADCAST_KEYS
    for entity, features in features_by_entity.items():
        name = keys[entity]
        in_play = keyed.select(F.col(name).alias("key")).where("key IS NOT NULL").distinct()
        mine = partials.where(F.col("entity") == " x ".join(entity))
        windows = merged_windows(mine, F.broadcast(in_play) if few_keys else in_play, day, features)
        windows = windows.withColumnRenamed("key", name)
        if few_keys:
            joined = joined.join(F.broadcast(windows), name, "left")
        else:
            # A user's plays of a day are bounded (sessions.max_plays_per_user_day); a song's are not.
            salts = 1 if "user" in entity else config.tuning.join_salts
            joined = salted_join(joined, windows, name, salts)
    values = [
        F.col(f.name) if f.is_attribute else _of_play(f, F.col(keys[declared(f).entity])).alias(f.name)
        for f in config.features.joined
    ]
    return joined.select("event_id", "dt", *values)


def merged_windows(partials: DataFrame, keys: DataFrame, day: date, features: list[Feature]) -> DataFrame:
    """Return ``key`` and the value of each feature, for the keys that play on ``day``.

    ``last_seen`` is still the time of that play, in microseconds.

    Args:
        partials: those of one entity.
        keys: ``key`` of the entities in play, each once.
        day: the day after the windows.
        features: of this entity.
    """
    first = first_needed_day(day, features)
    days = F.col("dt").between(F.lit(first), F.lit(day - timedelta(days=1)))
    ages = _ages(partials.sparkSession, (day - first).days, day)
    needed = {
        (measure, declared(feature).window): _merged_name(measure, declared(feature).window)
        for feature in features
        for measure in measures(declared(feature))
    }
    read = partials.where(days).select("dt", "key", *[m.name for m in entity_measures(features)])
    merged = (
        read.join(keys, "key", "left_semi")
        .join(F.broadcast(ages), "dt")
        .groupBy("key")
        .agg(
            *[merged_measure(m, F.col("_age") <= window).alias(name) for (m, window), name in needed.items()]
        )
    )
    return merged.select("key", *[_of_window(feature).alias(feature.name) for feature in features])


def salted_join(plays: DataFrame, windows: DataFrame, key: str, salts: int) -> DataFrame:
    """Join the windows to the plays, each key's plays shared among ``salts`` tasks.

    Every row of ``windows`` is repeated for each salt. Where that is small, Spark's adaptive execution sends
    it to every task instead.
    """
    if salts == 1:
        return plays.join(windows, key, "left")
    repeated = windows.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1))))
    salted = plays.withColumn("_salt", salt_of(salts))
    return salted.join(repeated, [key, "_salt"], "left").drop("_salt")


def salt_of(salts: int) -> Column:
    """Return the number of the task, of ``salts``, that a play of a hot key falls to."""
    return F.pmod(F.xxhash64("event_id"), F.lit(salts)).cast("int")


def _ages(spark: SparkSession, days: int, day: date) -> DataFrame:
    """Return the days before ``day``, each with its age.

    Spark writes the constants of an expression into the code that it generates. A comparison of ages is the
    same code every night, compiled once however many nights a backfill builds; one of dates is not.
    """
    numbers = spark.range(1, days + 1).select(F.col("id").cast("int").alias("_age"))
    return numbers.select(F.date_sub(F.lit(day), F.col("_age")).alias("dt"), "_age")


def _merged_name(measure: Measure, window: int) -> str:
    return f"{measure.name}_{window}d"


def _of_window(feature: Feature) -> Column:
    """Return a feature's value from the merged measures."""
    aggregate = declared(feature)
    merged = [F.col(_merged_name(measure, aggregate.window)) for measure in measures(aggregate)]
    if aggregate.function == "approx_distinct":
        return distinct_estimate(merged[0]).cast("double")
    if aggregate.function == "last_seen":
        return merged[0]
    amount = merged[0].cast("double")
    if aggregate.function in ("sum", "mean"):
        amount = amount / MILLION
    return F.when(merged[1] > 0, amount / merged[1]) if len(merged) > 1 else amount


def distinct_estimate(sketch: Column) -> Column:
    """Return how many distinct values a merged sketch has seen, whatever the order of the merges.

    A sketch may remember in which order it saw its values, and estimates by that. Merged with itself it holds
    the same values and forgets their order: DataSketches then estimates by the registers alone (the
    composite estimator of https://datasketches.apache.org/docs/HLL/HllSketches.html).
    """
    return F.hll_sketch_estimate(F.hll_union(sketch, sketch))


def _of_play(feature: Feature, key: Column) -> Column:
    """Return a play's value from that of its entity, null where the entity is not known."""
    function = declared(feature).function
    value = F.col(feature.name)
    if function == "last_seen":
        return (F.unix_micros("played_at") - value) / DAY_MICROSECONDS
    if function in ("rate", "mean"):
        return value
    return F.when(key.isNotNull(), F.coalesce(value, F.lit(0.0)))
