"""A folder prepared for a night, and that night run undisturbed: made once, used by several tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.cluster.runs import (
    BEFORE,
    FIRST_DAY,
    LAST_TRAINED,
    TABLES,
    Rows,
    Seen,
    Workbench,
    local_night,
    start,
    write_folder,
)
from uae_model.config import load_config
from uae_model.lake import TableStore
from uae_model.pipeline.nightly import prepare_days, train
from uae_model.pipeline.runner import build
from uae_model.pipeline.steps import PUBLICATION, SCORES
from uae_model.pipeline.steps.training import promote
from uae_model.registry.client import Registry


@pytest.fixture(scope="session")
def workbench(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Return a folder with a champion, earlier days as plays and the day before the night published."""
    bench = Workbench(tmp_path_factory.mktemp("cluster"))
    write_folder(bench.folder)
    config = load_config(bench.folder / "uae.toml")
    store, registry = TableStore(spark, config), Registry(config)
    prepare_days(store, FIRST_DAY, BEFORE)
    version, _ = train(store, registry, LAST_TRAINED)
    promote(config, registry, version)
    build(store, SCORES, BEFORE, registry)
    build(store, PUBLICATION, BEFORE)
    bench.save()
    return bench


@dataclass(frozen=True)
class UndisturbedNight:
    """What a night does that nothing disturbs, and what readers see before and after it."""

    rows: Rows
    seen_before: Seen
    seen_after: Seen
    new_files: dict[str, int]
    summary: dict[str, Any]


@pytest.fixture(scope="session")
def undisturbed(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> UndisturbedNight:
    """Run the night in local mode."""
    workbench.restore()
    seen_before = workbench.seen()
    files_before = {table: workbench.files(table) for table in (*TABLES, "day_states")}
    with start(local_night(workbench), tmp_path_factory.mktemp("undisturbed")) as process:
        assert process.wait() == 0, process.tail()
    return UndisturbedNight(
        workbench.rows(),
        seen_before,
        workbench.seen(),
        {table: len(workbench.files(table) - before) for table, before in files_before.items()},
        process.summary(),
    )
