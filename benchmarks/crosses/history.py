"""The aggregates of simulated plays, by the project's own Spark functions, as one encoded column each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from benchmarks.estimators.simulated import Array, SimulatedPlays, simulate_plays
from benchmarks.features import days_from
from benchmarks.workspace import made_once, spark_session
from uae_model.config import Config
from uae_model.core.errors import ContractError
from uae_model.features.aggregates import features_of_day, partials_of_day
from uae_model.features.arrays import numbers_of
from uae_model.sessions.cut import BOTS
from uae_model.simulation.feed import CLEAN, feed_rows
from uae_model.simulation.listening import draw_plays
from uae_model.simulation.world import Block, World

FEED_COLUMNS = ["artist"]
"""What the entities of the aggregates read beside the events' own columns."""


def plays_with_aggregates(
    world: World, days: Sequence[int], config: Config, folder: Path
) -> list[SimulatedPlays]:
    """Return the plays of each of these days, encoded, with the aggregates over the days before.

    Args:
        world: calibrated; its days before ``days`` are the history.
        days: in a row.
        config: its aggregates are declared after all its other numeric features.
        folder: keeps the aggregates for the next call.

    Raises:
        ContractError: if a play has no row of aggregates.
    """
    aggregates = made_once(folder, lambda target: _write_aggregates(target, world, days, config))
    values = pq.read_table(aggregates / "features")
    plain = config.with_features(feature for feature in config.features if feature.origin != "aggregate")
    parts = []
    for day in days:
        plays = simulate_plays(world, [day], plain)
        numbers_NF = _aggregates_of(_event_ids(world, day), values, config)
        numeric_NF = np.concatenate([plays.numeric_NF, numbers_NF], axis=1)
        parts.append(replace(plays, numeric_NF=numeric_NF))
    return parts


def _write_aggregates(folder: Path, world: World, days: Sequence[int], config: Config) -> None:
    """Write ``features`` of the plays of some days from the events of the world's first day on."""
    write_events(folder, world, days)
    with spark_session(folder, "local[1]") as spark:
        # One core, small tables: one task a shuffle, and no plan made anew after each.
        spark.conf.set("spark.sql.shuffle.partitions", "1")
        spark.conf.set("spark.sql.adaptive.enabled", "false")
        build_features(spark, folder, world, days, config)


def write_events(folder: Path, world: World, days: Sequence[int]) -> None:
    """Write the events of the world's first day to the last of ``days``."""
    blocks = [Block(day, index) for day in range(days[-1] + 1) for index in range(world.blocks_per_day)]
    events = pa.concat_tables([_events_of(world, block) for block in blocks])
    pq.write_table(events, folder / "events.parquet")


def build_features(
    spark: SparkSession, folder: Path, world: World, days: Sequence[int], config: Config
) -> None:
    """Do what the features step does: partials of every UTC day, then values of the plays of ``days``.

    A simulated session is one of the sessions step, too: the simulator keeps to its rules.
    """
    stored = spark.read.parquet(str(folder / "events.parquet"))
    nobody = spark.createDataFrame([], BOTS)
    partials_of_day(stored, nobody, config).write.parquet(str(folder / "partials"))
    partials = spark.read.parquet(str(folder / "partials"))
    plays = stored.withColumn("dt", F.col("session_day"))
    counts = {row["dt"]: row["count"] for row in plays.groupBy("dt").count().collect()}
    # A listening day's last sessions start after midnight: they are the next day's.
    for day in days_from(world.first_day + timedelta(days=days[0]), len(days) + 1):
        if day in counts:
            of_day = plays.where(F.col("dt") == F.lit(day))
            values = features_of_day(of_day, partials, day, config, counts[day])
            values.drop("dt").write.parquet(str(folder / "features" / f"dt={day}"))


def _events_of(world: World, block: Block) -> pa.Table:
    """Return the events of a block with ``dt``, their UTC day, and ``session_day``, that of their session."""
    rows = feed_rows(world, block, FEED_COLUMNS, CLEAN).drop_columns(["slot"])
    day = np.datetime64(world.first_day, "D") + block.day
    plays = draw_plays(world, block)
    midnights_N = plays.start_ms_N // 86_400_000
    starts_N = np.flatnonzero(np.diff(plays.session_N, prepend=-1))
    lengths_S = np.diff(np.append(starts_N, len(plays.session_N)))
    session_midnights_N = np.repeat(midnights_N[starts_N], lengths_S)
    played_at_N = day.astype("datetime64[ms]") + plays.start_ms_N
    return (
        rows.drop_columns(["played_at"])
        .append_column("played_at", pa.array(played_at_N).cast(pa.timestamp("us", tz="UTC")))
        .append_column("dt", pa.array(day + midnights_N))
        .append_column("session_day", pa.array(day + session_midnights_N))
    )


def _event_ids(world: World, day: int) -> pa.Array:
    """Return the events' ids in the order of ``simulate_plays``."""
    parts = [
        feed_rows(world, Block(day, index), [], CLEAN)["event_id"] for index in range(world.blocks_per_day)
    ]
    return pa.concat_arrays([chunk for part in parts for chunk in part.chunks])


def _aggregates_of(event_ids: pa.Array, values: pa.Table, config: Config) -> Array:
    """Return the transformed aggregates of these plays, shape (plays, aggregates), NaN where missing."""
    row_N = pc.index_in(event_ids, value_set=values["event_id"].combine_chunks())
    if row_N.null_count:
        raise ContractError(f"{row_N.null_count} of {len(row_N)} plays have no row of aggregates")
    columns = []
    for feature in config.features.of_origin("aggregate"):
        column = values[feature.name].combine_chunks().take(row_N)
        columns.append(numbers_of(column.to_numpy(zero_copy_only=False), feature.transform))
    aggregates_NF: Array = np.stack(columns, axis=1)
    return aggregates_NF
