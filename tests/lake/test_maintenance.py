"""Tables under maintenance: rows of old days go, small files become one, old versions' files are removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import reduce
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from tests.builders import DAY, Event, at, events_frame
from uae_model.config import Config
from uae_model.core.usage import Usage
from uae_model.lake import NO_DAY, TableStore, Unit
from uae_model.lake.log import files_by_day
from uae_model.lake.maintenance import (
    carry_out,
    table_usage,
    table_work,
    vacuum,
    vacuum_would_free,
)

DAYS = [DAY + timedelta(days=offset) for offset in range(4)]
SMALL = 1 << 20


@pytest.fixture
def at_once(spark: SparkSession, config: Config) -> TableStore:
    """Return a store whose old versions are kept for no time at all, which settings do not allow."""
    retention = config.retention.model_copy(update={"working_days": 0, "published_days": 0})
    return TableStore(spark, config.model_copy(update={"retention": retention}))


def append(store: TableStore, day: date, *ids: str) -> None:
    """Write each event of a day as a file of its own, as another program would."""
    store.ensure("events")
    events = [Event(event_id, at(f"{day.day:02d} {number:02d}:00")) for number, event_id in enumerate(ids)]
    frames = [events_frame(store.spark, [event], store.config).coalesce(1) for event in events]
    write = reduce(DataFrame.union, frames).write.format("delta").mode("append")
    write.option("optimizeWrite", "false").save(store.path("events"))
    store.states.written("events")


def ids_of(store: TableStore) -> list[str]:
    return sorted(row["event_id"] for row in store.read("events").select("event_id").collect())


def file_counts(store: TableStore, name: str = "events") -> dict[date, int]:
    return {day.day: day.files for day in files_by_day(store.spark, store.path(name), SMALL)}


def parquet_files(store: TableStore, name: str = "events") -> int:
    return len(list(Path(store.path(name)).glob("dt=*/part-*.parquet")))


def test_small_files_of_closed_days_become_one_and_no_day_counts_as_changed(at_once: TableStore) -> None:
    for day in DAYS[:2]:
        append(at_once, day, *(f"{day}-{number}" for number in range(3)))
    before = ids_of(at_once)
    version = at_once.states.version("events", DAYS[0])
    work = table_work(at_once, "events", None, closed_before=DAYS[1])
    assert (work.expired, work.compacted) == ((), 3)
    carry_out(at_once, work)
    assert file_counts(at_once) == {DAYS[0]: 1, DAYS[1]: 3}
    assert ids_of(at_once) == before
    assert at_once.states.version("events", DAYS[0]) == version
    assert table_work(at_once, "events", None, closed_before=DAYS[1]).compacted == 0
    assert parquet_files(at_once) == 7
    told = vacuum_would_free(at_once, "events")
    assert (parquet_files(at_once), told.files) == (7, 6)  # three files, each with its checksum
    assert vacuum(at_once, "events") == told
    assert parquet_files(at_once) == 4
    assert ids_of(at_once) == before
    assert vacuum(at_once, "events") == Usage()


def test_rows_of_old_days_expire_and_what_is_known_of_them_stays(at_once: TableStore) -> None:
    for day in DAYS[:3]:
        append(at_once, day, f"{day}")
    undated = events_frame(at_once.spark, [Event("undated", at("05 01:00"))], at_once.config)
    undated = undated.selectExpr(*undated.columns[:-1], f"DATE'{NO_DAY}' AS dt")
    undated.write.format("delta").mode("append").save(at_once.path("events"))
    at_once.states.written("events")
    known = at_once.states.get(Unit("events", DAYS[0]))
    work = table_work(at_once, "events", DAYS[1], closed_before=None)
    assert work.expired == (DAYS[0],)
    carry_out(at_once, work)
    assert ids_of(at_once) == [f"{DAYS[1]}", f"{DAYS[2]}", "undated"]
    vacuum(at_once, "events")
    assert known is not None
    assert at_once.states.get(Unit("events", DAYS[0])) == replace(known, status="expired")
    assert at_once.states.foreign_change(Unit("events", DAYS[0])) is None
    assert table_work(at_once, "events", DAYS[1], closed_before=None).expired == ()
    at_once.states.flush()
    again = TableStore(at_once.spark, at_once.config).states.get(Unit("events", DAYS[0]))
    assert again is not None
    assert again.is_expired
    append(at_once, DAYS[0], "delivered again")
    back = at_once.states.get(Unit("events", DAYS[0]))
    assert back is not None
    assert not back.is_expired
    assert back.version > known.version


def test_files_of_pinned_versions_are_not_written_together(store: TableStore) -> None:
    store.ensure("weights")
    work = table_work(store, "weights", None, closed_before=DAYS[3])
    assert work.compacted == 0
    # A table without days has no closed ones: all of its files count.
    store.ensure("day_states")
    assert table_work(store, "day_states", None, closed_before=None).compact_before is None


def test_versions_within_retention_keep_their_files(store: TableStore) -> None:
    append(store, DAYS[0], "a", "b")
    carry_out(store, table_work(store, "events", None, closed_before=DAYS[1]))
    assert vacuum_would_free(store, "events") == vacuum(store, "events") == Usage()
    assert parquet_files(store) == 3
    version = store.latest_version("events") - 1
    assert store.read("events", version=version).count() == 2


def test_a_write_of_many_tasks_leaves_one_file_of_a_day(store: TableStore) -> None:
    events = [Event(f"e{number}", at(f"05 10:{number:02d}")) for number in range(40)]
    frame = events_frame(store.spark, events, store.config).repartition(8)
    store.replace_day("events", DAY, frame, {"step": "test"})
    assert file_counts(store) == {DAY: 1}
    assert store.read("events").count() == 40


def test_usage_counts_log_and_data(store: TableStore) -> None:
    append(store, DAYS[0], "a")
    folder = Path(store.path("events"))
    files = [path for path in folder.rglob("*") if path.is_file()]
    expected = Usage(len(files), sum(path.stat().st_size for path in files))
    assert table_usage(store, "events") == expected
    assert {".json", ".crc", ".parquet"} == {path.suffix for path in files}
