"""Splits of sessions: each in one part, in the wanted ratio, the same every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.snapshot.splits import long_sessions, part_of, sessions_of

SESSIONS = 4000


def test_sessions_are_drawn_in_the_ratio_and_alike_each_time(
    spark: SparkSession, make_config: Callable[..., Config]
) -> None:
    rows = spark.range(SESSIONS).select(F.col("id").cast("string").alias("session_id"))

    def drawn(*overrides: str) -> list[str]:
        part = part_of(F.col("session_id"), make_config(*overrides))
        return [row["part"] for row in rows.select("session_id", part.alias("part")).collect()]

    parts = drawn()
    assert parts == drawn()
    assert parts != drawn("snapshot.split_seed=8")
    counts = Counter(parts)
    # 8:1:1 of 4000: deviations of 25 and 19 sessions; four of them are allowed.
    assert counts["train"] == pytest.approx(3200, abs=100)
    assert counts["validation"] == pytest.approx(400, abs=76)
    assert counts["test"] == pytest.approx(400, abs=76)


def test_short_sessions_are_left_out_whole_and_parts_do_not_meet(
    spark: SparkSession, make_config: Callable[..., Config]
) -> None:
    plays = spark.createDataFrame(
        [(f"s{length}", position) for length in range(1, 30) for position in range(length)],
        "session_id STRING, position INT",
    )
    assert long_sessions(plays, make_config()) is plays
    config = make_config("snapshot.min_session_plays=10", "snapshot.split=sessions")
    parts = [
        {(row["session_id"], row["count"]) for row in part.groupBy("session_id").count().collect()}
        for part in (sessions_of(name, plays, config) for name in ("train", "validation", "test"))
    ]
    assert set.union(*parts) == {(f"s{length}", length) for length in range(10, 30)}
    assert sum(map(len, parts)) == 20
    assert parts[0]
