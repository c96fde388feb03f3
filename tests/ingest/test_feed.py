"""Slots of the feed: which exist, which are complete, how far they reach."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY, write_slot
from uae_model.config import Config
from uae_model.core.errors import InputError
from uae_model.ingest.feed import END_OF_TIME, Feed, Slot, reach
from uae_model.lake import files

NEXT = DAY + timedelta(days=1)
AFTER = datetime(2026, 1, 7, 6, tzinfo=UTC)


def names(slots: list[Slot]) -> list[str]:
    return [slot.name for slot in slots]


class TestSlots:
    def test_a_day_is_one_slot(self, spark: SparkSession, config: Config, tmp_path: Path) -> None:
        assert Feed(spark, config).slots(DAY) == [
            Slot(
                name="dt=2026-01-05",
                path=str(tmp_path / "feed" / "dt=2026-01-05"),
                day=DAY,
                ends=datetime(2026, 1, 6, tzinfo=UTC),
            )
        ]

    def test_an_hourly_delivery_has_twenty_four(
        self, spark: SparkSession, make_config: Callable[..., Config]
    ) -> None:
        slots = Feed(spark, make_config("paths.feed='s3a://raw/plays/{date}/{hour}'")).slots(DAY)
        assert names(slots)[:2] == ["2026-01-05/00", "2026-01-05/01"]
        assert slots[0].path == "s3a://raw/plays/2026-01-05/00"
        assert [slot.ends for slot in slots] == [
            datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hour) for hour in range(1, 25)
        ]

    def test_a_static_dataset_is_one_slot_whatever_the_day(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        feed = Feed(spark, make_config("paths.feed=data/all"))
        assert feed.is_static
        assert feed.slots(DAY) == feed.slots(NEXT) == [Slot("all", str(tmp_path / "data/all"), None, None)]

    def test_hours_need_a_date_beside_them(
        self, spark: SparkSession, make_config: Callable[..., Config]
    ) -> None:
        with pytest.raises(InputError, match=r"paths.feed = '.*feed/{hour}': {hour} needs {date} beside it"):
            Feed(spark, make_config("paths.feed='feed/{hour}'"))


class TestDelivery:
    def test_a_slot_is_complete_with_its_marker(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        folder = write_slot(tmp_path / "feed", DAY, [])
        (folder / "_SUCCESS").rename(folder / "READY")
        for overrides, complete in (
            ((), False),
            (("feed.complete_marker=READY",), True),
            (("feed.complete_marker=''",), True),  # what exists counts as complete
        ):
            feed = Feed(spark, make_config(*overrides))
            assert feed.is_complete(feed.slots(DAY)[0]) is complete
            assert not feed.is_complete(feed.slots(NEXT)[0])

    def test_complete_slots_end_at_the_first_gap(
        self, spark: SparkSession, config: Config, tmp_path: Path
    ) -> None:
        for day in (DAY, date(2026, 1, 7)):
            write_slot(tmp_path / "feed", day, [])
        feed = Feed(spark, config)
        assert names(list(feed.complete_slots(DAY, AFTER))) == ["dt=2026-01-05"]
        assert list(feed.complete_slots(NEXT, AFTER)) == []
        write_slot(tmp_path / "feed", NEXT, [])
        assert names(list(feed.complete_slots(DAY, AFTER))) == [f"dt=2026-01-{day:02d}" for day in (5, 6, 7)]

    @pytest.mark.parametrize(
        ("until", "last"),
        [
            (datetime(2026, 1, 5, tzinfo=UTC), None),
            (datetime(2026, 1, 5, 1, tzinfo=UTC), 5),
            (datetime(2026, 1, 6, tzinfo=UTC), 5),  # just reached by the fifth
            (datetime(2026, 1, 6, 0, 0, 1, tzinfo=UTC), 6),
        ],
    )
    def test_no_slot_beyond_what_is_asked_for(
        self, spark: SparkSession, config: Config, tmp_path: Path, until: datetime, last: int | None
    ) -> None:
        for number in range(5, 9):
            write_slot(tmp_path / "feed", date(2026, 1, number), [])
        slots = list(Feed(spark, config).complete_slots(DAY, until))
        assert (slots[-1].day.day if slots and slots[-1].day else None) == last

    def test_how_far_slots_reach(self) -> None:
        first = Slot("a", "a", DAY, datetime(2026, 1, 6, tzinfo=UTC))
        static = Slot("all", "all", None, None)
        assert reach([]) is None
        assert reach([first]) == datetime(2026, 1, 6, tzinfo=UTC)
        assert reach([static]) == END_OF_TIME


class TestFingerprint:
    def test_it_changes_with_what_was_delivered_and_with_nothing_else(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        folder = write_slot(tmp_path / "feed", DAY, ["{}"])
        feed = Feed(spark, make_config("feed.format=jsonl"))
        (slot,) = feed.slots(DAY)
        first = feed.fingerprint(slot)
        (folder / "_committed").touch()
        (folder / ".part-0.json.crc").touch()
        (folder / "README.md").touch()
        assert feed.fingerprint(slot) == first  # hidden files are no data
        seen = {first}
        for change in (
            lambda: (folder / "part-1.json").touch(),
            lambda: (folder / "part-1.json").write_text("{}\n"),
            lambda: os.utime(folder / "part-1.json", (1, 1)),
            lambda: (folder / "part-1.json").rename(folder / "part-2.json"),
        ):
            change()
            seen.add(feed.fingerprint(slot))
        assert len(seen) == 5

    def test_a_slot_without_data_is_named(self, spark: SparkSession, config: Config, tmp_path: Path) -> None:
        feed = Feed(spark, config)
        (slot,) = feed.slots(DAY)
        with pytest.raises(
            InputError, match=r"feed slot dt=2026-01-05: no data files under .*/feed/dt=2026-01-05"
        ):
            feed.fingerprint(slot)
        (write_slot(tmp_path / "feed", DAY, []) / "part-0.json").unlink()
        with pytest.raises(InputError, match="no data files"):
            feed.fingerprint(slot)


def test_files_are_listed_with_sizes_in_order_and_in_folders_below(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two").write_text("22")
    (tmp_path / "a").write_text("1")
    found = files.list_files(spark, str(tmp_path))
    assert [(file.path.rsplit("/", 1)[1], file.size) for file in found] == [("a", 1), ("two", 2)]
    assert found[0].modified_ms == pytest.approx((tmp_path / "a").stat().st_mtime * 1000, abs=1)
    assert files.list_files(spark, str(tmp_path / "nowhere")) == []
    assert files.exists(spark, str(tmp_path / "a"))
    assert not files.exists(spark, str(tmp_path / "c"))


class TestListing:
    """What cannot be listed is named: rows that nobody misses are lost."""

    def listed(self, spark: SparkSession, folder: Path) -> list[str]:
        return [file.below for file in files.list_files(spark, str(folder))]

    def test_links_are_followed_and_folders_may_be_called_like_files(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        elsewhere, slot = tmp_path / "elsewhere", tmp_path / "slot"
        (elsewhere / "below").mkdir(parents=True)
        (elsewhere / "below" / "b").write_text("1")
        (slot / "x.parquet").mkdir(parents=True)
        (slot / "x.parquet" / "part").write_text("1")
        (slot / "linked").symlink_to(elsewhere)
        (slot / "c").symlink_to(elsewhere / "below" / "b")
        assert sorted(self.listed(spark, slot)) == ["c", "linked/below/b", "x.parquet/part"]
        assert self.listed(spark, slot / "c") == ["c"]

    def test_paths_are_told_below_the_folder_however_it_is_written(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        (tmp_path / "one" / "ann").mkdir(parents=True)
        (tmp_path / "one" / "ann" / "a").write_text("1")
        for written in ("one", "one/", "one//", "./one", "two/../one", "one/ann/.."):
            assert self.listed(spark, Path(f"{tmp_path}/{written}")) == ["ann/a"], written
            assert [file.below for file in files.list_files(spark, f"file://{tmp_path}/{written}")] == [
                "ann/a"
            ]

    def test_what_cannot_be_listed_is_named(self, spark: SparkSession, tmp_path: Path) -> None:
        def refused(words: str) -> None:
            with pytest.raises(InputError, match=words):
                files.list_files(spark, str(tmp_path))

        wrong = tmp_path / "a"
        wrong.symlink_to(tmp_path)
        refused("a: a link leads back to a folder above it")
        wrong.unlink()
        wrong.symlink_to(wrong)
        refused("a: Too many levels of symbolic links")
        wrong.unlink()
        wrong.symlink_to(tmp_path / "nowhere")
        refused("a: No such file or directory")
        wrong.unlink()
        os.mkfifo(wrong)
        refused("a: is neither a file nor a folder")
        wrong.unlink()
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.json")).touch()
        refused(r"\\xe9.json: its name is not UTF-8; rename it")

    def test_a_folder_that_may_not_be_read_is_named(
        self, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "closed").mkdir()
        scandir = os.scandir

        def refuse(folder: str) -> object:
            if str(folder).endswith("closed"):
                raise PermissionError(13, "Permission denied", folder)
            return scandir(folder)

        monkeypatch.setattr(os, "scandir", refuse)
        with pytest.raises(InputError, match="closed: Permission denied"):
            files.list_files(spark, str(tmp_path))
