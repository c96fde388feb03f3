"""Which sessions are trained on: long enough ones, split by day or, as the paper splits 30-Music, at random.

A session's part follows from a hash of its id and ``snapshot.split_seed``: it is the same in every run, on
every cluster, and for whoever evaluates later. Of more plays than ``snapshot.max_plays``, users are drawn by
a hash of theirs, each with all sessions.
"""

from __future__ import annotations

from typing import Literal

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config

Part = Literal["train", "validation", "test"]

USER_PLACES = 1 << 20
"""Places of equal size that users fall into by a hash of their id."""


def share_of_users(plays: int, most_plays: int) -> float:
    """Return the share of users that has about ``most_plays`` of some plays; 1 where there are no more."""
    return min(1.0, most_plays / max(1, plays))


def of_users(plays: DataFrame, share: float) -> DataFrame:
    """Return all plays of a share of the users, the same ones whatever the day; all plays for 1."""
    if share >= 1:
        return plays
    return plays.where(F.pmod(F.xxhash64("user_id"), F.lit(USER_PLACES)) < int(share * USER_PLACES))


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
