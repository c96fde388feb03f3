"""Maintenance of nights: what is published reads the same, nothing is planned, and nothing grows."""

from __future__ import annotations

import os
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.builders import DAY, Event, at, events_frame
from tests.pipeline.building import accept
from tests.pipeline.nights import REGISTRY, SECOND, THIRD, opened, planned, published
from uae_model.config import Config
from uae_model.core.errors import AnotherRunError, InputError
from uae_model.core.locks import alone_in
from uae_model.core.usage import Usage
from uae_model.lake import TableStore
from uae_model.lake.contract import TableContract
from uae_model.pipeline.maintain import LOCK_FOLDER, Maintained, as_table, last_published, maintain, summary
from uae_model.pipeline.nightly import plan_night, run_night
from uae_model.pipeline.runner import build
from uae_model.pipeline.steps import PLAYS

NIGHTS, EVERY = 6, 2
DAY_SECONDS = 86_400


def at_once(store: TableStore) -> TableStore:
    """Return the store with no retention of working tables' old versions, which settings do not allow."""
    retention = store.config.retention.model_copy(update={"working_days": 0})
    return TableStore(store.spark, store.config.model_copy(update={"retention": retention}))


def expiring(store: TableStore) -> TableStore:
    """Return the store with settings by which only the rows of the last published day are kept."""
    working = dict.fromkeys(("events_days", "plays_days", "quarantine_days"), 1)
    retention = store.config.retention.model_copy(update=working)
    return at_once(TableStore(store.spark, store.config.model_copy(update={"retention": retention})))


def snapshot_of(folder: Path) -> dict[str, tuple[int, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def freed(lines: list[Maintained]) -> dict[str, Usage]:
    return {line.name: line.freed for line in lines}


@pytest.mark.slow
def test_a_dry_run_writes_nothing_and_tells_what_a_run_frees(spark: SparkSession, folder: Path) -> None:
    store = at_once(opened(spark, folder))
    seen = published(store)
    of_killed_run = folder / "tables" / "plays" / f"dt={THIRD}" / "part-00000-killed.parquet"
    of_killed_run.write_bytes(b"12345")
    before = snapshot_of(folder)
    told = maintain(store, dry_run=True)
    assert snapshot_of(folder) == before
    assert freed(told)["plays"] == Usage(1, 5)
    done = maintain(at_once(opened(spark, folder)))
    assert not of_killed_run.exists()
    # Without retention the small files that a compaction has just replaced go at once.
    compacted = {line.name for line in done if line.work}
    assert compacted == {"day_states"}
    assert {**freed(done), "day_states": Usage()} == freed(told)
    assert {line.name: line.before for line in done} == {line.name: line.before for line in told}
    again = opened(spark, folder)
    assert planned(again) == []
    assert published(again) == seen
    lines = as_table(done).splitlines()
    assert lines[0] == "| what | work | files before | after | bytes before | after | freed |"
    assert any(line.startswith("| events | nothing |") for line in lines)
    sums = summary(done, dry_run=False)
    assert sums["bytes_before"] == sum(line.before.size for line in done)
    assert not sums["dry_run"]


@pytest.mark.slow
def test_rows_that_expired_are_not_planned_and_change_no_later_day(spark: SparkSession, folder: Path) -> None:
    seen = published(opened(spark, folder))
    assert last_published(opened(spark, folder)) == THIRD
    work = {line.name: line.work for line in maintain(expiring(opened(spark, folder)))}
    assert work["events"] == ("rows of 2026-01-06 expired",)
    assert work["plays"] == ("rows of 2026-01-06 expired",)
    assert not [path for path in folder.glob(f"tables/plays/dt={SECOND}/*") if path.suffix == ".parquet"]
    again = opened(spark, folder)
    assert planned(again) == []
    assert plan_night(again, REGISTRY, SECOND) == ([], [])
    for day in (SECOND, THIRD):
        summary_of_day = run_night(opened(spark, folder), REGISTRY, day)
        assert (summary_of_day["republished"], summary_of_day["weights"]) == ([], 3)
    assert published(opened(spark, folder)) == seen


@pytest.mark.slow
def test_a_day_whose_source_expired_is_not_built_anew(spark: SparkSession, folder: Path) -> None:
    store = expiring(opened(spark, folder))
    keeps_plays = store.config.retention.model_copy(update={"plays_days": None})
    maintain(TableStore(spark, store.config.model_copy(update={"retention": keeps_plays})))
    changed = opened(spark, folder, "sessions.gap_minutes=20")
    seen = published(changed)
    message = (
        "plays 2026-01-06 cannot be built: its settings have changed, but the rows of events 2026-01-06 have "
        r"expired \(retention.events_days\); what is there stays as it is"
    )
    with pytest.raises(InputError, match=message):
        build(changed, PLAYS, SECOND)
    units, notices = plan_night(changed, REGISTRY, SECOND)
    assert "plays 2026-01-06" not in {str(item.unit) for item in units}
    told = "plays 2026-01-06: its settings have changed, but the rows of events 2026-01-06 have expired"
    assert any(notice.startswith(told) for notice in notices)
    assert published(changed) == seen


def test_one_maintenance_at_a_time(store: TableStore) -> None:
    lock = f"{store.config.paths.tables}/{LOCK_FOLDER}"
    with (
        alone_in(lock, "maintenance"),
        pytest.raises(AnotherRunError, match="another run is at this maintenance: process"),
    ):
        maintain(store)


def test_without_any_table_there_is_nothing_to_do(store: TableStore) -> None:
    lines = maintain(store, dry_run=True)
    assert [line.name for line in lines] == ["snapshots", "checkpoints"]
    assert summary(lines, dry_run=True)["files_before"] == 0
    assert not Path(store.config.paths.tables).exists()


def made_up(store: TableStore, number: int, version: int) -> DataFrame:
    moment = at("05 10:00") + timedelta(days=number)
    events = [Event(f"{number}-{index}-{version}", moment) for index in range(20)]
    return events_frame(store.spark, events, store.config)


def made_up_night(store: TableStore, number: int) -> None:
    """Write a day, then once more the day before, as late events do."""
    for version, of_day in enumerate((number, number - 1)):
        day = DAY + timedelta(days=of_day)
        store.replace_day("events", day, made_up(store, of_day, version), {"step": "test"})
        accept(store, "events", day=day)
    store.states.flush()


def a_day_passes(folder: Path) -> None:
    """Let every file be a day older."""
    for path in folder.rglob("*"):
        if path.is_file():
            moment = path.stat().st_mtime - DAY_SECONDS
            os.utime(path, (moment, moment))


@pytest.mark.slow
def test_files_and_bytes_of_a_night_do_not_grow_under_maintenance(
    spark: SparkSession, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six nights of three commits each; every second one is followed by maintenance."""
    properties = TableContract.properties
    often = {"delta.checkpointInterval": "2"}  # Delta cleans up a log when it writes a checkpoint
    monkeypatch.setattr(TableContract, "properties", lambda contract: {**properties(contract), **often})
    store = at_once(TableStore(spark, config))
    after: list[Usage] = []
    for number in range(1, NIGHTS + 1):
        made_up_night(store, number)
        a_day_passes(Path(config.paths.tables))
        last = DAY + timedelta(days=number)
        monkeypatch.setattr("uae_model.pipeline.maintain.last_published", lambda _, last=last: last)
        if number % EVERY == 0:
            after.append(sum((line.after for line in maintain(store)), Usage()))
    # A file and its checksum a day, however often the day was written.
    events = Path(store.path("events"))
    assert len(list(events.glob("dt=*/*"))) == 2 * (NIGHTS + 1)
    assert store.read("events").count() == 20 * (NIGHTS + 1)
    grown = [later - earlier for earlier, later in pairwise(after)]
    # A night writes two data files and three commits, 16 files and over 30 kB with their checksums.
    assert max(usage.files for usage in grown) <= 5 * EVERY, after
    assert max(usage.size for usage in grown) <= 10_000 * EVERY, after
