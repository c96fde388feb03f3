"""The attributes of a play's user and song as they were when it started."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Dimension, FeatureSet
from uae_model.config.dimensions import VALID_FROM, VALID_TO
from uae_model.core.dates import midnight
from uae_model.features.aggregates.windows import BROADCAST_KEYS, salted_join


def has_attributes(config: Config) -> bool:
    """Tell whether a feature reads a dimension."""
    return bool(read_dimensions(config))


def read_dimensions(config: Config) -> list[tuple[Dimension, FeatureSet]]:
    """Return the dimensions that features read, each with these features."""
    pairs = [(dimension, config.features.of_origin(dimension.entity)) for dimension in config.dimensions]
    return [(dimension, features) for dimension, features in pairs if features]


def with_attributes(
    plays: DataFrame, tables: Mapping[str, DataFrame], day: date, config: Config, play_count: int
) -> DataFrame:
    """Return the plays of a day with every attribute feature, as of the start of each play.

    A play takes the version with ``valid_from <= played_at < valid_to``. Where there is none, because the
    dimension does not know the entity or did not yet, its attributes are null; the play keeps its row.

    The versions of an entity are few, so they are gathered into one row an entity and joined by its key:
    no play meets more than one row, however often a song changed.

    Args:
        plays: the plays of sessions that started on ``day``.
        tables: the dimensions' tables, by name.
        day: the day on which the plays' sessions started.
        config: the dimensions and their features.
        play_count: rows of ``plays``.
    """
    joined = plays
    for dimension, features in read_dimensions(config):
        in_play = plays.select(dimension.key).distinct()
        keys = F.broadcast(in_play) if play_count <= BROADCAST_KEYS else in_play
        gathered = _gathered(tables[dimension.table], keys, day, dimension, features, config)
        # A user's plays of a day are bounded (sessions.max_plays_per_user_day); a song's are not.
        salts = 1 if dimension.entity == "user" else config.tuning.join_salts
        joined = salted_join(joined, gathered, dimension.key, salts)
        held = F.get(F.filter("_versions", _holds_at_start), F.lit(0))
        values = {f.name: held[f.source_column] for f in features}
        joined = joined.withColumns(values).drop("_versions")
    return joined


def relevant_digests(
    plays: DataFrame, tables: Mapping[str, DataFrame], days: list[date], config: Config
) -> dict[date, str]:
    """Return, for each day, a digest of all that its plays may read of the dimensions.

    That is, of each entity in play, the values that hold between its first and its last play of the day. A
    row for another entity, one that holds only later, or one that corrects what was before does not move it.

    Args:
        plays: the plays of ``days``.
        tables: the dimensions' tables, by name.
        days: at least one.
        config: the dimensions and their features.
    """
    parts: dict[date, list[str]] = {day: [] for day in days}
    for dimension, features in read_dimensions(config):
        in_play = plays.groupBy("dt", dimension.key).agg(
            F.min("played_at").alias("_first"), F.max("played_at").alias("_last")
        )
        held = in_play.join(_narrow(tables[dimension.table], dimension, features), dimension.key).where(
            (F.col(VALID_FROM) <= F.col("_last")) & _not_over(F.col("_first"))
        )
        row = F.xxhash64(
            dimension.key, F.greatest(VALID_FROM, "_first"), *[F.col(name) for name in _names(features)]
        )
        # Rows of a day differ in entity or time, so none cancels another.
        digests = held.groupBy("dt").agg(F.count("*").alias("rows"), F.bit_xor(row).alias("digest"))
        digest_of = {row["dt"]: f"{row['rows']}:{row['digest']}" for row in digests.collect()}
        columns = ",".join(_names(features))
        for day in days:
            parts[day].append(f"{dimension.table}({columns})={digest_of.get(day, '0')}")
    return {day: " ".join(texts) for day, texts in parts.items()}


def _gathered(
    table: DataFrame,
    keys: DataFrame,
    day: date,
    dimension: Dimension,
    features: FeatureSet,
    config: Config,
) -> DataFrame:
    """Return the key and ``_versions``, an array of those that may hold at a play of the day."""
    # The last session starts before the next midnight, and lasts sessions.max_hours at most.
    end = midnight(day) + timedelta(days=1, hours=config.sessions.max_hours)
    near = (F.col(VALID_FROM) < F.lit(end)) & _not_over(F.lit(midnight(day)))
    version = F.struct(VALID_FROM, VALID_TO, *_names(features))
    return (
        _narrow(table, dimension, features)
        .where(near)
        .join(keys, dimension.key, "left_semi")
        .groupBy(dimension.key)
        .agg(F.sort_array(F.collect_list(version)).alias("_versions"))
    )


def _narrow(table: DataFrame, dimension: Dimension, features: FeatureSet) -> DataFrame:
    return table.select(dimension.key, VALID_FROM, VALID_TO, *_names(features))


def _names(features: FeatureSet) -> list[str]:
    return list(dict.fromkeys(feature.source_column for feature in features))


def _not_over(instant: Column) -> Column:
    return F.col(VALID_TO).isNull() | (F.col(VALID_TO) > instant)


def _holds_at_start(version: Column) -> Column:
    played_at = F.col("played_at")
    is_open = version[VALID_TO].isNull() | (played_at < version[VALID_TO])
    return (version[VALID_FROM] <= played_at) & is_open
