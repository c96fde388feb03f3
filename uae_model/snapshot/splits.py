"""Which sessions are trained on: long enough ones, split by day or, as the paper splits 30-Music, at random.

A session's part follows from a hash of its id and ``snapshot.split_seed``: it is the same in every run, on
every cluster, and for whoever evaluates later.
"""

from __future__ import annotations

from typing import Literal

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config

Part = Literal["train", "validation", "test"]


def long_sessions(plays: DataFrame, config: Config) -> DataFrame:
    """Return the plays of the sessions that have at least ``snapshot.min_session_plays``."""
    shortest = config.snapshot.min_session_plays
    if shortest == 1:
        return plays
    length = F.count("*").over(Window.partitionBy("session_id"))
    return plays.withColumn("_length", length).where(F.col("_length") >= shortest).drop("_length")


def part_of(session_id: Column, config: Config) -> Column:
    """Return ``train``, ``validation`` or ``test``, in the ratio of ``snapshot.shares``."""
    train, validation, test = config.snapshot.shares
    place = F.pmod(
        F.xxhash64(session_id, F.lit(config.snapshot.split_seed)), F.lit(train + validation + test)
    )
    return (
        F.when(place < train, F.lit("train"))
        .when(place < train + validation, F.lit("validation"))
        .otherwise(F.lit("test"))
    )


def sessions_of(part: Part, plays: DataFrame, config: Config) -> DataFrame:
    """Return the plays of one part's sessions, of ``snapshot.min_session_plays`` at least.

    Args:
        part: what the sessions are for.
        plays: the part's days where ``snapshot.split`` is ``days``, all days where it is ``sessions``.
        config: the split.
    """
    if config.snapshot.split == "sessions":
        plays = plays.where(part_of(F.col("session_id"), config) == part)
    return long_sessions(plays, config)
