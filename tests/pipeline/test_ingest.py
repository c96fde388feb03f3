"""Slots into events and quarantine: every row accounted for, whatever comes twice, late or broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY, Event, event, feed_row, write_slot
from tests.pipeline.building import ingest, opened_quarantine
from uae_model.config import Config, load_config
from uae_model.core.errors import ConfigError, ContractError, InputError
from uae_model.ingest.accounting import IngestCounts
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.packed import PackedSlot
from uae_model.lake import MANY_ROWS, NO_DAY, TableStore
from uae_model.lake.log import changes_after
from uae_model.pipeline.steps import feed as feed_step
from uae_model.pipeline.steps.feed import days_of_slot

NEXT = DAY + timedelta(days=1)
NOTHING = IngestCounts()

FIRST_SLOT: list[Event | str] = [
    event("a", "10:00"),
    event("b", "10:05"),
    event("b", "10:05"),  # delivered twice
    event("c", "10:10", feedback="auto_play"),
    event("c", "10:10", feedback="like"),  # two actions on one play
    event("late", "04 22:00"),
    event("x", "10:20", feedback="applause"),
    event("x", "10:20", feedback="applause"),
    '{"event_id": "cut',
]
SECOND_SLOT: list[Event | str] = [
    event("b", "10:05"),  # once more
    event("c", "10:10", feedback="dislike"),  # outranks the like
    event("a", "10:00", device=None),  # says less than the row that is there
    event("d", "06 09:00"),
    event("e", "05 23:59"),  # late
    event("too late", "02 23:59"),
]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", "an hmac key for tests")


def deliver(folder: Path, day: date, rows: list[Event | str], **name: str) -> None:
    lines = [row if isinstance(row, str) else feed_row(row) for row in rows]
    write_slot(folder / "feed", day, lines, **name)


def opened(spark: SparkSession, folder: Path, *overrides: str) -> tuple[TableStore, Feed]:
    (folder / "uae.toml").touch()
    config = load_config(folder / "uae.toml", overrides=["feed.format=jsonl", *overrides])
    return TableStore(spark, config), Feed(spark, config)


def events(store: TableStore) -> list[Row]:
    """Return the rows but for the slots that brought them: of equal rows the first one's."""
    return store.read("events").drop("feed_slot").orderBy("dt", "event_id").collect()


class TestTwoSlots:
    """The first slot and then the second; and the other way round."""

    @pytest.fixture(scope="class", params=[MANY_ROWS, 1], ids=["by rows", "by files"])
    @staticmethod
    def forth(
        request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
    ) -> Any:
        folder = tmp_path_factory.mktemp("forth")
        deliver(folder, DAY, FIRST_SLOT)
        deliver(folder, NEXT, SECOND_SLOT)
        store, feed = opened(spark, folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("UAE_HMAC_KEY", "an hmac key for tests")
            patch.setattr(feed_step, "MANY_ROWS", request.param)  # from there tasks write files
            counts = ingest(store, feed, DAY), ingest(store, feed, NEXT)
        changes, _ = changes_after(spark, store.path("events"), 0, store.latest_version("events"))
        operations = [change.operation for change in changes if change.days]
        assert operations == ["Manual Update" if request.param == 1 else "WRITE", "MERGE"]
        return store, feed, counts

    def test_what_is_read_is_quarantined_inserted_updated_or_a_duplicate(self, forth: Any) -> None:
        _, _, (first, second) = forth
        assert first.to_dict() == {
            **{
                "read": 9,
                "quarantined": 3,
                "forgotten": 0,
                "inserted": 4,
                "updated": 0,
                "withdrawn": 0,
                "duplicates": 2,
            },
        }
        assert second.to_dict() == {
            **{
                "read": 6,
                "quarantined": 1,
                "forgotten": 0,
                "inserted": 2,
                "updated": 1,
                "withdrawn": 0,
                "duplicates": 2,
            },
        }

    def test_each_event_counts_once_under_its_own_day(self, forth: Any) -> None:
        rows = events(forth[0])
        assert [(row["event_id"], row["dt"].day, row["feedback"], row["device"]) for row in rows] == [
            ("late", 4, "auto_play", "phone"),
            ("a", 5, "auto_play", "phone"),
            ("b", 5, "auto_play", "phone"),
            ("c", 5, "dislike", "phone"),
            ("e", 5, "auto_play", "phone"),
            ("d", 6, "auto_play", "phone"),
        ]
        assert {row["played_at"].astimezone(UTC).date() == row["dt"] for row in rows} == {True}

    def test_quarantine_keeps_the_row_its_reason_and_how_often_it_came(self, forth: Any) -> None:
        store, _, _ = forth
        rows = opened_quarantine(store)
        assert [(row["dt"], row["reason"], row["value"], row["occurrences"]) for row in rows] == [
            (DAY, "the line is no JSON object", None, 1),
            (DAY, "unknown feedback", "applause", 2),
            (NEXT, "is later than feed.late_days = 3 allows", "2026-01-02 23:59:00", 1),
        ]
        assert [row["slot"] for row in rows] == ["dt=2026-01-05"] * 2 + ["dt=2026-01-06"]
        assert rows[0]["raw"] == '{"event_id": "cut'
        assert rows[0]["source"] == "dt=2026-01-05/part-0.json"
        assert rows[0]["run_id"] == store.config.run_id("2026-01-05")

    def test_no_raw_user_id_reaches_the_events(self, forth: Any) -> None:
        assert {len(row["user_id"]) for row in events(forth[0])} == {64}

    def test_the_same_files_again_change_nothing(self, forth: Any) -> None:
        store, feed, _ = forth
        before = {name: store.latest_version(name) for name in ("events", "quarantine")}
        again = TableStore(store.spark, store.config)  # another night: nothing remembered
        assert ingest(again, feed, DAY, NEXT) == NOTHING
        assert {name: store.latest_version(name) for name in before} == before

    def test_a_delivery_under_another_name_adds_only_duplicates(self, forth: Any) -> None:
        store, feed, _ = forth
        before = events(store)
        quarantined = store.read("quarantine", [NEXT]).drop("source").collect()
        (slot,) = feed.slots(NEXT)
        folder = Path(slot.path)
        (folder / "part-0.json").rename(folder / "part-1.json")
        counts = ingest(store, feed, NEXT)
        assert counts.to_dict() == {
            **{
                "read": 6,
                "quarantined": 1,
                "forgotten": 0,
                "inserted": 0,
                "updated": 0,
                "withdrawn": 0,
                "duplicates": 5,
            },
        }
        assert events(store) == before
        assert store.read("quarantine", [NEXT]).drop("source").collect() == quarantined

    def test_the_order_of_the_slots_does_not_matter(
        self, forth: Any, spark: SparkSession, tmp_path: Path
    ) -> None:
        deliver(tmp_path, DAY, FIRST_SLOT[::-1])
        deliver(tmp_path, NEXT, SECOND_SLOT[:3], name="part-0.json")
        deliver(tmp_path, NEXT, SECOND_SLOT[2:], name="part-1.json")  # and one row in two files
        store, feed = opened(spark, tmp_path)
        counts = ingest(store, feed, NEXT, DAY)
        assert events(store) == events(forth[0])
        assert counts.to_dict() == {
            **{
                "read": 16,
                "quarantined": 4,
                "forgotten": 0,
                "inserted": 6,
                "updated": 1,
                "withdrawn": 0,
                "duplicates": 5,
            },
        }


@pytest.mark.parametrize("rows", [[], ["", " "]])
def test_files_without_rows_are_an_error_unless_that_is_right(
    spark: SparkSession, tmp_path: Path, rows: list[Event | str]
) -> None:
    deliver(tmp_path, DAY, rows)
    store, feed = opened(spark, tmp_path)
    with pytest.raises(InputError, match="slot dt=2026-01-05: its 1 data files hold no rows"):
        ingest(store, feed, DAY)
    assert not store.exists("events")
    store, feed = opened(spark, tmp_path, "feed.accept_empty_slots=true")
    assert ingest(store, feed, DAY) == NOTHING
    version = store.latest_version("quarantine")
    assert ingest(store, feed, DAY) == NOTHING
    assert store.latest_version("quarantine") == version


def test_without_a_key_nothing_is_written(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UAE_HMAC_KEY")
    deliver(tmp_path, DAY, FIRST_SLOT)
    store, feed = opened(spark, tmp_path)
    with pytest.raises(ConfigError, match="UAE_HMAC_KEY"):
        ingest(store, feed, DAY)
    assert not store.exists("events")
    assert not store.exists("quarantine")


@pytest.mark.parametrize(("hours", "last"), [(0, 5), (0.5, 6), (24, 6), (24.5, 7), (72, 8)])
def test_a_merge_looks_into_every_day_that_a_row_may_fall_into(
    make_config: Callable[..., Config], hours: float, last: int
) -> None:
    config = make_config(f"feed.future_hours={hours}", "feed.late_days=1")
    days = days_of_slot(Slot("slot", "path", DAY, None), cast(PackedSlot, None), config)
    assert [day.day for day in days] == list(range(4, last + 1))


def test_a_slot_without_files_is_an_error(config: Config, spark: SparkSession, store: TableStore) -> None:
    feed = Feed(spark, config)
    with pytest.raises(InputError, match="feed slot dt=2026-01-05: no data files under"):
        ingest(store, feed, DAY)


def test_more_rows_written_than_read_is_an_error_and_a_static_dataset_has_no_day(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [event("a", "10:00"), event("b", "09 10:00"), event("x", "10:00", feedback="applause")]
    write_slot(tmp_path, DAY, [feed_row(row) for row in rows]).rename(tmp_path / "all")
    store, feed = opened(spark, tmp_path, "paths.feed=all")
    append = TableStore.append

    def append_too_much(
        store: TableStore, name: str, frame: DataFrame, metadata: dict[str, Any], **options: Any
    ) -> None:
        more = frame.withColumn("event_id", F.concat("event_id", F.lit("+")))
        append(store, name, frame.unionByName(more), metadata, **options)

    with monkeypatch.context() as patch:
        patch.setattr(TableStore, "append", append_too_much)
        with pytest.raises(ContractError, match=r"feed all, version .* than rows read: FAILED \({'read': 3"):
            ingest(store, feed, DAY)
    assert events(store) == []  # nothing that a later step takes for good
    assert ingest(TableStore(spark, store.config), feed, DAY).to_dict() == {
        **{
            "read": 3,
            "quarantined": 1,
            "forgotten": 0,
            "inserted": 2,
            "updated": 0,
            "withdrawn": 0,
            "duplicates": 0,
        },
    }
    assert [row["dt"] for row in store.read("quarantine").collect()] == [NO_DAY]
