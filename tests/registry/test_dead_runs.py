"""Runs of trainings that were killed and never resumed, in a real MLflow store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.object_storage import ObjectStorage
from uae_model.config import Config
from uae_model.core.any_storage import filesystem_of
from uae_model.core.usage import Usage
from uae_model.registry.dead_runs import dead_runs, remove_run, run_usage
from uae_model.registry.tracking import experiment_id

pytestmark = pytest.mark.slow

LATER = datetime.now(UTC) + timedelta(hours=1)


def open_run(client: MlflowClient, experiment: str, **tags: str) -> str:
    run_id = str(client.create_run(experiment, tags=tags).info.run_id)
    client.log_text(run_id, "{}", "config.json")
    return run_id


def test_only_trainings_that_never_ended_are_dead_and_only_they_are_removed(config: Config) -> None:
    client = MlflowClient(config.paths.mlflow)
    assert dead_runs(config, LATER) == []  # there is no experiment yet
    experiment = experiment_id(client, config, config.registry.experiment, "trainings")
    killed = open_run(client, experiment, training_key="a")
    ended = open_run(client, experiment, training_key="b")
    client.set_terminated(ended, "FINISHED")
    open_run(client, experiment, note="a person's own")
    with_model = open_run(client, experiment, training_key="c")
    client.create_registered_model("m")
    client.create_model_version("m", "file:///nowhere", run_id=with_model)
    assert dead_runs(config, LATER - timedelta(hours=2)) == []  # a training may be going on
    (run,) = dead_runs(config, LATER)
    assert run.info.run_id == killed
    assert run_usage(run) == Usage(1, 2)
    remove_run(config, run)
    assert dead_runs(config, LATER) == []
    assert client.get_run(killed).info.status == "KILLED"
    assert client.get_run(killed).info.lifecycle_stage == "deleted"
    folder = Path(config.paths.mlflow_artifacts)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == sorted(
        run.info.run_id for run in client.search_runs([experiment])
    )


def test_artifacts_on_s3_go_as_well(
    make_config: Any, s3: ObjectStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in s3.options.items():
        monkeypatch.setenv(name, value)
    root = f"{s3.uri.replace('s3', 's3a')}/{tmp_path.name}/artifacts of all"
    config = make_config(f"paths.mlflow_artifacts='{root}'")
    client = MlflowClient(config.paths.mlflow)
    experiment = experiment_id(client, config, config.registry.experiment, "trainings")
    kept = open_run(client, experiment, note="a person's own")
    open_run(client, experiment, training_key="a")
    (run,) = dead_runs(config, LATER)
    assert run_usage(run) == Usage(1, 2)
    remove_run(config, run)
    filesystem, path = filesystem_of(root)
    assert filesystem.find(path) == [f"{path}/{kept}/artifacts/config.json"]
