"""Tables and feeds: each condition gives its line, and nothing is created by looking."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from tests.builders import DAY, event, feed_row, write_slot
from tests.doctor.builders import KEY, TODAY, by_name
from uae_model.config import Config, Dimension
from uae_model.doctor import Status, data
from uae_model.ingest.feed import Feed
from uae_model.ingest.known_key import record_key
from uae_model.lake import TableStore


def empty_day(store: TableStore, name: str, day: date, rows: list[list[Any]]) -> None:
    frame = store.spark.createDataFrame(rows, store.contract(name).schema)
    store.replace_day(name, day, frame, {"step": "test"})


def publication(store: TableStore, day: date) -> list[Any]:
    row = {
        "table_name": "weights",
        "status": "published",
        "checks": [],
        "run_id": "r",
        "config": "{}",
        "dt": day,
    }
    fields = store.contract("publications").schema.fields
    return [row.get(field.name, None if field.nullable else 1) for field in fields]


class TestData:
    def test_nothing_there_is_a_warning_and_stays_nothing(self, store: TableStore, tmp_path: Path) -> None:
        findings = by_name(data.check_data(store, TODAY))
        assert {finding.status for finding in findings.values()} == {Status.WARNING}
        assert set(findings) == {
            *("table events", "table quarantine", "table plays", "table scores", "table weights"),
            *("table publications", "table day_states", "feed", "published"),
        }
        assert "with the marker _SUCCESS" in findings["feed"].detail
        assert not (tmp_path / "tables").exists()

    def test_published_days_and_waiting_ones(self, store: TableStore, tmp_path: Path) -> None:
        day = date(2026, 1, 5)
        empty_day(store, "publications", day, [publication(store, day)])
        for number in (5, 6):
            write_slot(tmp_path / "feed", date(2026, 1, number), [])
        assert data.last_published(store) == day
        finding = by_name(data.check_data(store, TODAY))
        assert finding["table publications"].status is Status.OK
        assert finding["published"].detail == "last day 2026-01-05"
        assert finding["feed"].detail == "complete up to dt=2026-01-06"
        assert finding["published files"].status is Status.FAILED  # there are no weights
        assert "2026-01-05: there is no table at " in finding["published files"].detail
        # two more days of feed close the 6th and, but for its last hours, the 7th
        for number in (7, 8):
            write_slot(tmp_path / "feed", date(2026, 1, number), [])
        waiting = by_name(data.check_data(store, TODAY))["published"]
        assert waiting.status is Status.WARNING
        assert waiting.detail == "last day 2026-01-05; 2 more days are closed"
        assert waiting.fix == "run uae backfill --from 2026-01-06 --to 2026-01-07"

    def test_a_table_of_another_shape(self, store: TableStore, spark: SparkSession) -> None:
        builder = DeltaTable.create(spark).location(store.path("plays"))
        builder.addColumn("position", "string").addColumn("dt", "date").execute()
        finding = data.check_table(store, "plays")
        assert finding.status is Status.FAILED
        assert finding.detail == "position is string, not int"
        DeltaTable.create(spark).location(store.path("events")).addColumn("dt", "date").execute()
        finding = data.check_table(store, "events")
        assert finding.status is Status.WARNING
        assert finding.detail.startswith("has no column event_id, user_id")
        store.ensure("truth")
        spark.sql(f"ALTER TABLE delta.`{store.path('truth')}` ADD COLUMNS (mood STRING)")
        finding = data.check_table(store, "truth")
        assert (finding.status, finding.detail) == (
            *(Status.WARNING, "has a column mood, which its contract lacks"),
        )

    def test_the_newest_slot_of_a_feed_without_publication(self, store: TableStore, tmp_path: Path) -> None:
        write_slot(tmp_path / "feed", date(2026, 1, 4), [])
        feed = Feed(store.spark, store.config)
        slot = data.newest_slot(feed, None, TODAY)
        assert slot is not None
        assert slot.day == date(2026, 1, 4)
        # nothing follows the last published day: what is there before it is found all the same
        assert data.newest_slot(feed, date(2026, 1, 9), TODAY) == slot

    def test_the_feed_of_a_dimension(self, spark: SparkSession, config: Config, tmp_path: Path) -> None:
        songs = Dimension(
            entity="song",
            feed=f"{tmp_path}/songs/dt={{date}}",
            format="jsonl",
            attributes={"genre": "categorical"},
        )
        store = TableStore(spark, config.model_copy(update={"dimensions": (songs,)}))
        finding = by_name(data.check_data(store, TODAY))["feed of songs"]
        assert finding.status is Status.WARNING
        assert "songs/dt={date}; its attributes are unknown" in finding.detail
        # A gap stops no night, so the newest slot counts.
        for number in (4, 9):
            write_slot(tmp_path / "songs", date(2026, 1, number), [])
        finding = by_name(data.check_data(store, TODAY))["feed of songs"]
        assert (finding.status, finding.detail) == (Status.OK, "complete up to songs/dt=2026-01-09")

    def test_the_first_rows_of_the_feed(self, spark: SparkSession, make_config: Any, tmp_path: Path) -> None:
        store = TableStore(spark, make_config("feed.format=jsonl"))
        good = [feed_row(event(name, "10:00")) for name in "abc"]
        write_slot(tmp_path / "feed", DAY, [*good, {**good[0], "feedback": "clap"}])
        seen = by_name(data.check_data(store, DAY))["rows of the feed"]
        assert seen.status is Status.WARNING
        assert "4 rows of one file of dt=2026-01-05: columns event_id, user_id" in seen.detail
        assert seen.detail.endswith("25.0% would be quarantined: unknown feedback (1)")
        write_slot(tmp_path / "feed", DAY, [{"user_id": "u"}])
        seen = by_name(data.check_data(store, DAY))["rows of the feed"]
        assert "empty or missing: event_id, song_id" in seen.detail
        (tmp_path / "feed" / f"dt={DAY}" / "part-0.json").write_bytes("[]".encode("utf-16"))
        seen = by_name(data.check_data(store, DAY))["rows of the feed"]
        assert seen.status is Status.FAILED
        assert "part-0.json: its encoding is UTF-16" in seen.detail

    def test_a_static_feed(self, spark: SparkSession, make_config: Any, tmp_path: Path) -> None:
        config = make_config("paths.feed=all")
        feed = Feed(spark, config)
        assert data.newest_slot(feed, None, TODAY) is None
        (tmp_path / "all").mkdir()
        slot = data.newest_slot(feed, None, TODAY)
        assert slot is not None
        assert slot.day is None
        assert by_name(data.check_data(TableStore(spark, config), TODAY))["feed"].status is Status.OK


def test_the_key_is_compared_with_that_of_the_tables(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", KEY)
    store.ensure("events")
    check = "key of the tables"
    finding = by_name(data.check_data(store, TODAY))[check]
    assert (finding.status, finding.detail.split()[0]) == (Status.WARNING, "events")
    record_key(store, "events", KEY.encode())
    assert by_name(data.check_data(store, TODAY))[check].status is Status.OK
    monkeypatch.setenv("UAE_HMAC_KEY", KEY[::-1])
    finding = by_name(data.check_data(store, TODAY))[check]
    assert finding.status is Status.FAILED
    assert "table events holds pseudonyms of the HMAC key with fingerprint" in finding.detail
    monkeypatch.delenv("UAE_HMAC_KEY")
    assert check not in by_name(data.check_data(store, TODAY))  # told with the set-up
