"""Writing a simulated feed, and its truth, with Spark: blocks are drawn where they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import from_arrow_schema

from uae_model.config import Config, Dimension
from uae_model.core.dates import days_between
from uae_model.core.errors import InputError
from uae_model.core.logs import log
from uae_model.lake import TableStore, files
from uae_model.simulation.calibrate import calibrated
from uae_model.simulation.dimensions import dimension_rows
from uae_model.simulation.feed import (
    CLEAN,
    CORE,
    TRUTH,
    BlockCounts,
    Defects,
    block_counts,
    feed_rows,
    truth_rows,
)
from uae_model.simulation.listening import plays_per_listening_day
from uae_model.simulation.world import Block, World, parameters_of

BOT_PLAYS_ABOVE_LIMIT = 500

BLOCKS_PER_TASK = 16
"""Blocks that one task draws one after the other, at most: files of some hundred thousand plays."""


def simulate(
    store: TableStore, feed: str, world: World, defects: Defects, file_format: str
) -> dict[str, Any]:
    """Write the feed's slots and the truth table; return counts and the shares of Fig. 2.

    Where the configuration declares dimensions, their feeds are written too.

    The feed has one slot more than the world has days: a day's sessions are closed only when the next
    day's first hours have been delivered.

    Args:
        store: where ``truth`` is written.
        feed: folder of the slots.
        world: a calibrated world.
        defects: what is wrong with the feed.
        file_format: ``parquet`` or ``jsonl``.

    Raises:
        InputError: if the folder already holds a feed, or the simulator does not know an attribute.
    """
    if files.exists(store.spark, feed):
        raise InputError(f"{feed} already holds a feed; remove the folder or choose another --out")
    config = store.config
    for dimension in config.dimensions:
        write_dimension(store, dimension, world, defects)
    features = [f.source_column for f in config.features.of_origin("feed")]
    rows = _drawn(
        store, world, lambda block: feed_rows(world, block, features, defects), _feed_schema(config)
    )
    _write_feed(rows, feed, file_format)
    for day in slot_days(world):
        files.touch(store.spark, f"{feed}/dt={day.isoformat()}/_SUCCESS")
    truth = _drawn(store, world, lambda block: truth_rows(world, block, defects), TRUTH)
    written = store.merge_new("truth", truth, slot_days(world), "true", {"seed": world.seed})
    log("truth written", **written)
    return _summary(_counts(store, world))


def world_of(plays: int, parameters: Sequence[str] = (), **settings: Any) -> World:
    """Return a calibrated world of about this many plays in all.

    Args:
        plays: how many; the number of users follows.
        parameters: fields of ``World`` as text, ``NAME=VALUE``.
        settings: other fields of ``World``.

    Raises:
        InputError: if a parameter is none of the world's.
    """
    world = World(**settings, **parameters_of(parameters))
    users = plays / plays_per_listening_day(world) / world.days / world.activity
    return calibrated(replace(world, users=max(1, round(users))))


def defects_of(config: Config, *, clean: bool) -> Defects:
    """Return what is wrong with a simulated feed; its bot exceeds ``sessions.max_plays_per_user_day``."""
    limit = config.sessions.max_plays_per_user_day
    return CLEAN if clean else Defects(bot_plays=limit + BOT_PLAYS_ABOVE_LIMIT)


def slot_days(world: World) -> list[date]:
    """Return the days of the feed's slots."""
    return list(days_between(world.first_day, world.first_day + timedelta(days=world.days)))


def _drawn(
    store: TableStore, world: World, draw: Callable[[Block], pa.Table], schema: pa.Schema
) -> DataFrame:
    """Return the rows of all blocks; each task draws a run of blocks, days first."""
    blocks = world.days * world.blocks_per_day

    def draw_blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from draw(world.block(number)).cast(schema).to_batches()

    tasks = max(1, -(-blocks // BLOCKS_PER_TASK), min(blocks, store.spark.sparkContext.defaultParallelism))
    return store.spark.range(0, blocks, 1, tasks).mapInArrow(draw_blocks, from_arrow_schema(schema))


def _feed_schema(config: Config) -> pa.Schema:
    kinds = {"categorical": pa.string(), "numeric": pa.float64()}
    return pa.schema([*CORE, *((f.source_column, kinds[f.kind]) for f in config.features.of_origin("feed"))])


def _write_feed(rows: DataFrame, feed: str, file_format: str) -> None:
    writer = rows.withColumnRenamed("slot", "dt").write.partitionBy("dt")
    if file_format == "parquet":
        writer.parquet(feed)
    else:
        writer.json(feed, compression="gzip")


def write_dimension(store: TableStore, dimension: Dimension, world: World, defects: Defects) -> None:
    """Write the slots of a dimension, each with its marker."""
    if "{date}" not in dimension.feed or "{hour}" in dimension.feed or dimension.columns:
        raise InputError(
            f"simulation: dimension {dimension.table} is delivered by day and under its own "
            "names: use a feed with {date} and without {hour}, and no columns"
        )
    for number, day in enumerate(slot_days(world)):
        slot = dimension.feed.replace("{date}", day.isoformat())
        if files.exists(store.spark, slot):
            raise InputError(f"{slot} already holds a feed; remove the folder or choose another --out")
        rows = store.spark.createDataFrame(dimension_rows(world, dimension, number, defects)).coalesce(1)
        if dimension.format == "csv":
            rows.write.csv(slot, header=True)
        else:
            rows.write.format({"jsonl": "json"}.get(dimension.format, dimension.format)).save(slot)
        files.touch(store.spark, f"{slot}/_SUCCESS")


def _counts(store: TableStore, world: World) -> dict[str, int]:
    names = list(BlockCounts.__dataclass_fields__)
    schema = pa.schema([(name, pa.int64()) for name in names])
    counts = _drawn(
        store, world, lambda block: pa.Table.from_pylist([asdict(block_counts(world, block))]), schema
    )
    return counts.agg(*[F.sum(name).alias(name) for name in names]).collect()[0].asDict()


def _summary(counts: dict[str, int]) -> dict[str, Any]:
    after_passive = counts["pairs"] - counts["pairs_after_active"]
    return {
        "plays": counts["plays"],
        "sessions": counts["sessions"],
        "active_share": round(counts["active"] / counts["plays"], 4),
        "active_after_active": round(counts["active_after_active"] / max(1, counts["pairs_after_active"]), 4),
        "active_after_passive": round(counts["active_after_passive"] / max(1, after_passive), 4),
        "attended_share": round(counts["attended"] / counts["plays"], 4),
    }
