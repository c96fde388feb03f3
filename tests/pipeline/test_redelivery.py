"""A slot that is delivered again replaces what it brought before; checked by hand."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from tests.builders import DAY, Event, event, feed_row, write_slot
from tests.pipeline.building import ingest
from uae_model.config import load_config
from uae_model.core.errors import DeliveryRefusedError
from uae_model.ingest.accounting import IngestCounts
from uae_model.ingest.feed import Feed
from uae_model.lake import TableStore
from uae_model.pipeline.nightly import ingested
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps.feed import SLOTS

NEXT = DAY + timedelta(days=1)
FIRST, SECOND = (f"dt={day}" for day in (DAY, NEXT))

BROUGHT = [
    event("stays", "10:00"),
    event("gone", "10:05"),
    event("gone too", "10:10"),
    event("of both", "10:15", feedback="like"),
    event("corrected", "10:20", feedback="like"),
]
BY_THE_SECOND = [
    event("of both", "10:15", device=None),
    event("late", "23:59"),
    event("next day", "06 09:00"),
]
BROUGHT_AGAIN = [
    event("stays", "10:00"),
    event("corrected", "10:20"),  # a like that was none: it ranks lower, and holds all the same
    event("new", "10:25"),
]
AFTER = [
    ("corrected", "auto_play", "phone", FIRST),
    ("late", "auto_play", "phone", SECOND),
    ("new", "auto_play", "phone", FIRST),
    ("next day", "auto_play", "phone", SECOND),
    ("of both", "auto_play", None, SECOND),
    ("stays", "auto_play", "phone", FIRST),
]


def deliver(folder: Path, rows: list[Event]) -> None:
    shutil.rmtree(folder / "feed" / FIRST, ignore_errors=True)
    write_slot(folder / "feed", DAY, [feed_row(row) for row in rows])


def ingest_and_accept(store: TableStore, feed: Feed) -> IngestCounts:
    night = Night(store, DAY, DAY, slots=feed.slots(DAY), reopens=False, accepts_withdrawn=True)
    return ingested(run_steps(night, [SLOTS]))


def rows_of(store: TableStore) -> list[tuple[str, str, str | None, str | None]]:
    rows = store.read("events").orderBy("event_id").collect()
    return [(row["event_id"], row["feedback"], row["device"], row["feed_slot"]) for row in rows]


def test_a_redelivery_replaces_what_the_slot_brought(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", "an hmac key for tests")
    (tmp_path / "uae.toml").touch()
    config = load_config(tmp_path / "uae.toml", overrides=["feed.format=jsonl"])
    store, feed = TableStore(spark, config), Feed(spark, config)
    deliver(tmp_path, BROUGHT)
    write_slot(tmp_path / "feed", NEXT, [feed_row(row) for row in BY_THE_SECOND])
    ingest(store, feed, DAY, NEXT)
    before, version = rows_of(store), store.latest_version("events")
    assert ("of both", "like", "phone", FIRST) in before

    # Two of five: refused, and nothing is changed.
    deliver(tmp_path, BROUGHT_AGAIN)
    with pytest.raises(DeliveryRefusedError, match=r"without 2 of the 5 events .*\(40.0%"):
        ingest(store, feed, DAY)
    assert (rows_of(store), store.latest_version("events")) == (before, version)

    # Confirmed: what both brought has the row of the other, and only the day that changed is built again.
    unchanged = store.states.version("events", NEXT)
    counts = ingest_and_accept(store, feed)
    assert counts.to_dict() == {
        **{
            "read": 3,
            "quarantined": 0,
            "forgotten": 0,
            "inserted": 1,
            "updated": 1,
            "withdrawn": 2,
            "duplicates": 1,
        },
    }
    assert rows_of(store) == AFTER
    assert store.states.version("events", DAY) == version + 1 == store.latest_version("events")
    assert store.states.version("events", NEXT) == unchanged
    assert ingest(TableStore(spark, config), feed, DAY, NEXT) == IngestCounts()

    # Few are taken back without a word: one of three is within a share of a half.
    wider = TableStore(
        spark,
        load_config(tmp_path / "uae.toml", overrides=["feed.format=jsonl", "feed.max_withdrawn_share=0.5"]),
    )
    deliver(tmp_path, BROUGHT_AGAIN[:2])
    assert ingest(wider, feed, DAY).withdrawn == 1
    assert rows_of(wider) == [row for row in AFTER if row[0] != "new"]

    # Rows from before there was the column are never taken back.
    DeltaTable.forPath(spark, store.path("events")).update(set={"feed_slot": "NULL"})
    deliver(tmp_path, BROUGHT_AGAIN[1:])
    assert ingest(TableStore(spark, config), feed, DAY).withdrawn == 0
    assert rows_of(store) == [(*row[:3], FIRST if row[0] == "new" else None) for row in AFTER]
