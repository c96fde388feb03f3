"""A folder prepared for a night, and that night run undisturbed: made once, used by several tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.cluster.runs import (
    BEFORE,
    FIRST_DAY,
    LAST_TRAINED,
    PLACES,
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
class Undisturbed:
    """What a run does that nothing disturbs, and what readers see before and after it.

    Attributes:
        rows: of the tables, after it.
        seen_before, seen_after: what readers see.
        new_files: how many files it makes in each folder, by the folder's place.
        summary: the last line that it prints.
        models: the parameters of the networks that it registers; none for runs that do not train.
    """

    rows: Rows
    seen_before: Seen
    seen_after: Seen
    new_files: dict[str, int]
    summary: dict[str, Any]
    models: dict[str, Any]


def run_undisturbed(workbench: Workbench, command: Sequence[str], logs: Path) -> Undisturbed:
    """Put the folder back and run a command."""
    workbench.restore()
    seen_before = workbench.seen()
    files_before = {place: workbench.files(place) for place in PLACES}
    with start(command, logs) as process:
        assert process.wait() == 0, process.tail()
    return Undisturbed(
        workbench.rows(),
        seen_before,
        workbench.seen(),
        {place: len(workbench.files(place) - before) for place, before in files_before.items()},
        process.summary(),
        workbench.models(),
    )


@pytest.fixture(scope="session")
def undisturbed(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Run the night in local mode."""
    return run_undisturbed(workbench, local_night(workbench), tmp_path_factory.mktemp("undisturbed"))
