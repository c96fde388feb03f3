"""Each dataset from its small faithful files through ingest and sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY
from tests.ingest import datasets
from uae_model.errors import ConfigError
from uae_model.feed import Feed
from uae_model.pipeline.ingest import IngestCounts, ingest_slots
from uae_model.pipeline.sessions import build_day
from uae_model.pipeline.train import train
from uae_model.registry import Registry
from uae_model.tables import TableStore


@dataclass(frozen=True)
class Dataset:
    """A dataset and what a day of it becomes, counted by hand."""

    write: Callable[[Path], None]
    counts: IngestCounts
    days: tuple[date, ...]
    sessions: list[int]
    """Plays of each session of these days."""
    active: int


DATASETS = {
    # Both listeners play once in a while; one of them over 40,000 seconds later.
    "deezer": Dataset(
        write=datasets.write_deezer,
        counts=IngestCounts(read=8, quarantined=3, inserted=4),
        days=(date(2016, 11, 1),),
        sessions=[1, 3],
        active=1,
    ),
    # Four listens of one user in a row, one of them liked, one skipped, one disliked; and one of another's.
    "yambda": Dataset(
        write=datasets.write_yambda,
        counts=IngestCounts(read=15, quarantined=6, inserted=5),
        days=(date(2020, 1, 2),),
        sessions=[1, 4],
        active=3,
    ),
    # A file that is cut off is one row of quarantine, an empty one is none.
    "spotify": Dataset(
        write=datasets.write_spotify,
        counts=IngestCounts(read=9, quarantined=4, inserted=4),
        days=(DAY,),
        sessions=[1, 3],
        active=1,
    ),
    # One user listens over midnight, the other pauses for nine hours.
    "lastfm1k": Dataset(
        write=datasets.write_lastfm,
        counts=IngestCounts(read=9, quarantined=3, inserted=5),
        days=(date(2009, 5, 3), date(2009, 5, 4)),
        sessions=[1, 2, 2],
        active=0,
    ),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the key, and leave out the CHECK constraints: they have tests of their own."""
    monkeypatch.setenv("UAE_HMAC_KEY", "an hmac key for tests")
    monkeypatch.setattr(TableStore, "_add_missing_constraints", lambda store, contract: None)


@pytest.mark.parametrize("name", DATASETS)
def test_every_row_is_a_play_of_a_session_a_duplicate_or_in_quarantine(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    dataset = DATASETS[name]
    dataset.write(tmp_path)
    store = TableStore(spark, datasets.dataset_config(tmp_path, name))
    feed = Feed(spark, store.config)
    assert ingest_slots(store, feed, feed.slots(DAY)) == dataset.counts
    for day in dataset.days:
        build_day(store, day)
    plays = store.read("plays")
    lengths = plays.groupBy("session_id").count().collect()
    assert sorted(row["count"] for row in lengths) == dataset.sessions
    assert plays.where("is_active").count() == dataset.active


def test_plays_without_any_active_feedback_are_not_trained_on(spark: SparkSession, tmp_path: Path) -> None:
    store = TableStore(spark, datasets.dataset_config(tmp_path, "lastfm1k"))
    message = r"maps to auto_play alone.*feed.format = 'lastfm1k' can be cut into sessions, but"
    with pytest.raises(ConfigError, match=message):
        train(store, cast(Registry, None), DAY)
