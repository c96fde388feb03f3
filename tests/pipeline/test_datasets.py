"""Each dataset from its small faithful files through ingest and sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY
from tests.ingest import datasets
from tests.pipeline.building import build_plays, ingest
from uae_model.config import Config
from uae_model.core.errors import ConfigError
from uae_model.ingest import highest_ranking
from uae_model.ingest.accounting import IngestCounts
from uae_model.ingest.feed import Feed
from uae_model.lake import TableStore, contract_for
from uae_model.lake.columns import feature_type
from uae_model.pipeline.nightly import train
from uae_model.registry.client import Registry
from uae_model.sessions.cut import open_sessions, plays_of_day


@dataclass(frozen=True)
class Dataset:
    """A dataset and what a day of it becomes, counted by hand."""

    write: Callable[[Path], None]
    counts: IngestCounts
    day: date
    sessions: list[int]
    """Plays of each session of the day."""
    active: int


PARSED = (
    "source STRING, raw STRING, report STRING, reason STRING, value STRING, event_id STRING, "
    "user_id STRING, song_id STRING, "
    "played_at TIMESTAMP, played_ms BIGINT, feedback STRING, {}dt DATE"
)

DATASETS = {
    # Both listeners play once in a while; one of them over 40,000 seconds later.
    "deezer": Dataset(
        write=datasets.write_deezer,
        counts=IngestCounts(read=8, quarantined=3, inserted=4),
        day=date(2016, 11, 1),
        sessions=[1, 3],
        active=1,
    ),
    # Seven good plays of one user and one of another's; five lines and two plays that are none.
    "30music": Dataset(
        write=datasets.write_thirty_music,
        counts=IngestCounts(read=16, quarantined=7, inserted=8),
        day=date(2014, 1, 20),
        sessions=[1, 7],
        active=4,
    ),
    # Four listens of one user in a row, one of them liked, one skipped, one disliked; and one of another's.
    "yambda": Dataset(
        write=datasets.write_yambda,
        counts=IngestCounts(read=16, quarantined=6, inserted=5),
        day=date(2020, 1, 2),
        sessions=[1, 4],
        active=3,
    ),
    # A file that is cut off is one row of quarantine, an empty one is none.
    "spotify": Dataset(
        write=datasets.write_spotify,
        counts=IngestCounts(read=9, quarantined=4, inserted=4),
        day=DAY,
        sessions=[1, 3],
        active=1,
    ),
    # Three lines are broken; one user pauses for nine hours.
    "lastfm1k": Dataset(
        write=datasets.write_lastfm,
        counts=IngestCounts(read=9, quarantined=3, inserted=5),
        day=date(2009, 5, 4),
        sessions=[1, 2, 2],
        active=0,
    ),
}


@pytest.mark.parametrize("name", DATASETS)
def test_every_row_is_a_play_of_a_session_a_duplicate_or_in_quarantine(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    dataset = DATASETS[name]
    dataset.write(tmp_path)
    config = datasets.dataset_config(tmp_path, name)
    schema = PARSED.format(_features(config))
    columns = spark.createDataFrame([], schema).columns
    rows = [[row[column] for column in columns] for row in datasets.parse_dataset(spark, config)]
    parsed = spark.createDataFrame(rows, schema)
    of_slot = parsed.withColumn("feed_slot", F.lit(name))
    events = highest_ranking(of_slot.where("reason IS NULL"), contract_for("events", config).columns, config)
    counts = IngestCounts(parsed.count(), parsed.where("reason IS NOT NULL").count(), inserted=events.count())
    assert counts == dataset.counts
    plays = _plays(spark, events, dataset.day, config)
    lengths = Counter(row["session_id"] for row in plays)
    assert sorted(lengths.values()) == dataset.sessions
    assert sum(row["is_active"] for row in plays) == dataset.active


def _features(config: Config) -> str:
    types = [f"{f.name} {feature_type(f).simpleString()}" for f in config.features.of_origin("feed")]
    return "".join(f"{column}, " for column in types)


def _plays(spark: SparkSession, events: DataFrame, day: date, config: Config) -> list[Row]:
    nobody = spark.createDataFrame([], "user_id STRING")
    nothing = spark.createDataFrame([], contract_for("plays", config).schema)
    return plays_of_day(events, open_sessions(nothing, day, config), nobody, day, config).collect()


def test_a_dataset_of_several_files_goes_through_the_tables(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", "an hmac key for tests")
    dataset = DATASETS["30music"]
    dataset.write(tmp_path)
    store = TableStore(spark, datasets.dataset_config(tmp_path, "30music"))
    feed = Feed(spark, store.config)
    assert ingest(store, feed, DAY) == dataset.counts
    assert build_plays(store, dataset.day)["sessions"] == len(dataset.sessions)
    assert ingest(store, feed, DAY) == IngestCounts()


def test_plays_without_any_active_feedback_are_not_trained_on(spark: SparkSession, tmp_path: Path) -> None:
    store = TableStore(spark, datasets.dataset_config(tmp_path, "lastfm1k"))
    message = r"maps to auto_play alone.*feed.format = 'lastfm1k' can be cut into sessions, but"
    with pytest.raises(ConfigError, match=message):
        train(store, cast(Registry, None), DAY)
