"""Two published nights that several tests look at, damage and maintain; a constant stands in for networks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY, Event, feed_row, write_slot
from tests.pipeline.building import FakeRegistry
from uae_model.config import load_config
from uae_model.lake import TableStore
from uae_model.pipeline.nightly import plan_night, run_night
from uae_model.pipeline.steps import scores
from uae_model.readers.spark import read_weights

DAYS = [DAY + timedelta(days=offset) for offset in range(4)]
SECOND, THIRD = DAYS[1], DAYS[2]
WEIGHT = 0.5
SETTINGS = """
paths.hmac_key_file = "hmac.key"
feed.format = "jsonl"
feed.late_days = 1
"""
REGISTRY: Any = FakeRegistry()


def events_of(day: date) -> list[Event]:
    moments = [datetime.combine(day, time(hour), UTC) for hour in (9, 12, 15)]
    return [Event(f"{moment:%d-%H}", moment, user_id=f"u{moment.hour}") for moment in moments]


def stand_in_for_networks(patch: pytest.MonkeyPatch) -> None:
    """Let every play be scored with the same weight."""

    def scored(plays: DataFrame, *_: Any, **_options: Any) -> DataFrame:
        for column in ("attention", "propensity", "sample_weight"):
            plays = plays.withColumn(column, F.lit(WEIGHT))
        return plays.withColumn("weighting", F.lit("linear(smoothed)"))

    patch.setattr(scores, "score_plays", scored)
    patch.setattr(scores, "serialise", lambda state: b"")


def run_two_nights(spark: SparkSession, folder: Path) -> None:
    """Deliver four days into a folder and run the nights of the second and the third."""
    folder.mkdir()
    (folder / "hmac.key").write_text("k" * 32)
    (folder / "uae.toml").write_text(SETTINGS)
    for day in DAYS:
        write_slot(folder / "feed", day, [feed_row(item) for item in events_of(day)])
    for day in (SECOND, THIRD):
        run_night(opened(spark, folder), REGISTRY, day)


def opened(spark: SparkSession, folder: Path, *overrides: str) -> TableStore:
    return TableStore(spark, load_config(folder / "uae.toml", overrides=overrides))


def planned(store: TableStore, registry: Any = REGISTRY) -> list[str]:
    units, notices = plan_night(store, registry, THIRD)
    return [*map(str, units), *notices]


def published(store: TableStore) -> list[tuple[date, str]]:
    rows = read_weights(store.spark, store.config.paths.tables, SECOND, THIRD).collect()
    return sorted((row["dt"], row["event_id"]) for row in rows)
