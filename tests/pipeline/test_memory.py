"""The memory through what happens to tables: maintenance forgets nothing, damage is told and mended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import deltalake
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from tests.builders import feed_row, write_slot
from tests.pipeline.building import FakeRegistry
from tests.pipeline.nights import DAYS, REGISTRY, SECOND, THIRD, events_of, opened, planned, published
from uae_model.lake import Unit
from uae_model.pipeline.lineage import chain_digest, lineage
from uae_model.pipeline.nightly import run_night
from uae_model.pipeline.step import Night


def jobs_started(spark: SparkSession) -> int:
    context = spark.sparkContext._jsc.sc()
    context.listenerBus().waitUntilEmpty()
    return int(context.statusStore().jobsList(None).size())


@pytest.mark.slow
def test_an_unchanged_night_plans_nothing_and_starts_few_jobs(spark: SparkSession, folder: Path) -> None:
    store = opened(spark, folder)
    versions = {
        name: store.latest_version(name) for name in ("events", "plays", "scores", "weights", "day_states")
    }
    before = jobs_started(spark)
    assert planned(store) == []
    assert jobs_started(spark) - before <= 5
    run_night(store, REGISTRY, THIRD)
    assert {name: store.latest_version(name) for name in versions} == versions


@pytest.mark.slow
def test_maintenance_and_a_thousand_commits_rebuild_nothing_and_lose_nothing(
    spark: SparkSession, folder: Path
) -> None:
    store = opened(spark, folder)
    seen = published(store)
    assert len(seen) == 6
    for name in ("events", "plays", "scores", "weights", "publications", "day_states"):
        table = DeltaTable.forPath(spark, store.path(name))
        table.optimize().executeCompaction()
        table.vacuum()
    for name in ("plays", "weights"):
        _add_commits(Path(store.path(name)) / "_delta_log", 1000)
    for name in ("events", "plays"):
        _clean_log(Path(store.path(name)))
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
    again = opened(spark, folder)
    assert planned(again) == []
    assert all(again.states.accepted("plays", day) for day in (SECOND, THIRD))
    assert published(again) == seen
    run_night(again, REGISTRY, DAYS[2])
    for name in ("scores", "weights"):
        assert again.states.accepted(name, THIRD) == store.states.accepted(name, THIRD)


def _add_commits(log: Path, count: int) -> None:
    """Add commits that change no row, as a table gathers over years."""
    latest = max(int(file.stem) for file in log.glob("*.json"))
    information = {"timestamp": 1, "operation": "SET TBLPROPERTIES", "operationParameters": {}}
    for version in range(latest + 1, latest + 1 + count):
        (log / f"{version:020d}.json").write_text(json.dumps({"commitInfo": information}) + "\n")


def _clean_log(table: Path) -> None:
    """Write a checkpoint and remove what came before it, as Delta does once log retention has passed."""
    deltalake.DeltaTable(str(table)).create_checkpoint()
    newest = max(table.glob("_delta_log/*.json"))
    for file in table.glob("_delta_log/*"):
        if file.suffix in (".json", ".crc") and file.stem < newest.stem:
            file.unlink()


@pytest.mark.slow
def test_a_partition_deleted_by_hand_is_told_and_built_again(spark: SparkSession, folder: Path) -> None:
    seen = published(opened(spark, folder))
    for name in ("plays", "events"):
        shutil.rmtree(folder / "tables" / name / f"dt={THIRD}")
    lines = planned(opened(spark, folder))
    assert "feed dt=2026-01-07: events 2026-01-07 has lost its files; the slot is ingested again" in lines
    assert any(line.startswith("plays 2026-01-07: ") for line in lines)
    assert any(line.startswith("publications 2026-01-07: ") for line in lines)
    run_night(opened(spark, folder), REGISTRY, THIRD)
    again = opened(spark, folder)
    assert planned(again) == []
    assert published(again) == seen


@pytest.mark.slow
def test_a_table_restored_to_an_older_version_is_told_and_brought_up_to_date(
    spark: SparkSession, folder: Path
) -> None:
    store = opened(spark, folder)
    seen = published(store)
    state = store.states.get(Unit("plays", THIRD))
    assert state is not None
    DeltaTable.forPath(spark, store.path("plays")).restoreToVersion(state.version - 1)
    lines = planned(opened(spark, folder))
    assert lines[0] == (
        f"plays 2026-01-07: was changed by another hand (RESTORE), version {state.version} -> "
        f"{state.version + 1}; it is built again"
    )
    run_night(opened(spark, folder), REGISTRY, THIRD)
    assert planned(opened(spark, folder)) == []
    assert published(opened(spark, folder)) == seen


@pytest.mark.slow
def test_tables_from_before_the_memory_are_taken_as_they_stand(spark: SparkSession, folder: Path) -> None:
    shutil.rmtree(folder / "tables" / "day_states")
    for log in folder.glob("tables/*/_delta_log/*.json"):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        for line in lines:
            _as_recorded_before(line.get("commitInfo", {}))
        log.write_text("".join(json.dumps(line) + "\n" for line in lines))
        log.with_name(f".{log.name}.crc").unlink()  # Hadoop's checksum of the file
    store = opened(spark, folder)
    assert planned(store) == []
    summary = run_night(store, REGISTRY, THIRD)
    assert (summary["plays"], summary["events"], summary["weights"]) == (3, 3, 3)
    state = opened(spark, folder).states.accepted("plays", SECOND)
    assert state is not None
    assert state.inputs is None


def _as_recorded_before(information: dict[str, Any]) -> None:
    """Write what a commit carries as it was before commits named their unit."""
    record = json.loads(information.get("userMetadata", "{}"))
    if "unit" not in record:
        return
    table, day, part = record["unit"]
    old = {"step": record["step"], "settings": record["settings"]}
    if part:
        old |= {"slot": part, "files": record["inputs"]["files"], "rows_read": record["counts"]["read"]}
        # Slots were merged then, also where all their rows were new.
        inserted = information["operationMetrics"].get("numOutputRows", "0")
        information["operation"] = "MERGE"
        information["operationMetrics"] = {"numTargetRowsInserted": inserted, "numTargetRowsUpdated": "0"}
    else:
        old |= {"dt": day}
    if table == "publications":
        old["models"] = record["counts"]["models"]
    information["userMetadata"] = json.dumps(old)


@pytest.mark.slow
def test_tables_from_before_there_were_scores_go_on_as_they_are(spark: SparkSession, folder: Path) -> None:
    seen = published(opened(spark, folder))
    _as_before_scores(folder / "tables")
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
    store = opened(spark, folder)
    versions = {name: store.latest_version(name) for name in ("weights", "publications")}
    run_night(store, REGISTRY, THIRD)
    assert planned(opened(spark, folder)) == []
    assert {name: store.latest_version(name) for name in versions} == versions
    assert not store.exists("scores")
    assert published(store) == seen

    # The next night's slot brings an event of a day that was scored and published before.
    late = replace(events_of(THIRD)[0], event_id="late", user_id="u18")
    write_slot(folder / "feed", DAYS[3], [feed_row(item) for item in [*events_of(DAYS[3]), late]])
    after = DAYS[3] + timedelta(days=1)
    write_slot(folder / "feed", after, [feed_row(item) for item in events_of(after)])
    again = opened(spark, folder)
    summary = run_night(again, REGISTRY, DAYS[3])
    # Plays of the day before are made of the changed day's events, too: its sessions may go past midnight.
    assert (summary["weights"], summary["republished"]) == (3, [SECOND.isoformat(), THIRD.isoformat()])
    assert published(again) == sorted([*seen, (THIRD, "late")])
    assert {row["dt"] for row in again.read("scores").select("dt").collect()} == {SECOND, THIRD, DAYS[3]}
    assert [state.unit.day for state in again.states.of_table("weights") if state.is_accepted] == DAYS[1:]


def _as_before_scores(tables: Path) -> None:
    """Let weights be what was scored, as in the former layout, and the memory be told by the logs alone."""
    scored = {tuple(record["unit"][1:]): record for _, record in _records(tables / "scores")}
    copied = {}
    for log, record in _records(tables / "weights"):
        _rewrite(log, {**scored[tuple(record["unit"][1:])], "unit": record["unit"]})
        copied[record["unit"][1]] = int(log.stem)
    for log, record in _records(tables / "publications"):
        day = record["unit"][1]
        _rewrite(log, {**record, "inputs": {f"weights {day}": copied[day]}})
    for name in ("scores", "day_states"):
        shutil.rmtree(tables / name)


def _records(table: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each commit that names its unit, and what it recorded."""
    for log in sorted(table.glob("_delta_log/*.json")):
        for line in log.read_text().splitlines():
            record = json.loads(json.loads(line).get("commitInfo", {}).get("userMetadata", "{}"))
            if "unit" in record:
                yield log, record


def _rewrite(log: Path, record: dict[str, Any]) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "commitInfo" in line:
            line["commitInfo"]["userMetadata"] = json.dumps(record)
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    log.with_name(f".{log.name}.crc").unlink()  # Hadoop's checksum of the file


def test_the_registry_that_lost_the_model_is_told(spark: SparkSession, folder: Path) -> None:
    lost: Any = FakeRegistry(is_lost=True)
    lines = planned(opened(spark, folder), lost)
    assert [line.partition(":")[0] for line in lines] == ["weights 2026-01-06", "weights 2026-01-07"]


def test_lineage_leads_from_the_publication_to_the_feed(spark: SparkSession, folder: Path) -> None:
    store = opened(spark, folder)
    night = Night(store, THIRD, THIRD)
    tables = [state.unit.table for state in lineage(night, THIRD)]
    assert list(dict.fromkeys(tables)) == ["feed", "events", "plays", "scores", "weights", "publications"]
    row = store.read("publications", [THIRD]).select("lineage").first()
    assert row is not None
    assert row["lineage"] == chain_digest(night, THIRD)
    assert chain_digest(night, SECOND) != row["lineage"]
