"""Live metrics, in a real MLflow store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.training_builders import (
    NETWORK,
    small_sessions,
    train,
    training_job,
    training_settings,
    write_snapshot_files,
)
from uae_model.training.job import TrainingJob
from uae_model.training.reporting import MlflowReporter, SilentReporter, reporter_for


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return the URI of an empty store and an experiment in it."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    return uri, MlflowClient(uri).create_experiment("uae", artifact_location=str(folder / "artifacts"))


@pytest.fixture
def run_id(store: tuple[str, str]) -> str:
    uri, experiment = store
    opened: str = MlflowClient(uri).create_run(experiment).info.run_id
    return opened


def curve(uri: str, run_id: str, name: str) -> list[tuple[int, float]]:
    history = MlflowClient(uri).get_metric_history(run_id, name)
    return sorted((metric.step, metric.value) for metric in history)


def test_metrics_arrive_with_their_step(store: tuple[str, str], run_id: str) -> None:
    uri, _ = store
    reporter = MlflowReporter(uri, run_id)
    reporter.report({"validation_nll": 0.5, "train_attention_risk": 0.25}, 0)
    reporter.report({"validation_nll": 0.375}, 1)
    assert curve(uri, run_id, "validation/nll") == [(0, 0.5), (1, 0.375)]
    assert curve(uri, run_id, "train/attention_risk") == [(0, 0.25)]


def test_values_that_are_no_numbers_are_dropped(store: tuple[str, str], run_id: str) -> None:
    uri, _ = store
    reporter = MlflowReporter(uri, run_id)
    odd = {"nan": float("nan"), "inf": float("inf"), "minus": float("-inf")}
    reporter.report({**odd, "nll": 0.5}, 2)
    reporter.report(odd, 3)
    assert MlflowClient(uri).get_run(run_id).data.metrics == {"nll": 0.5}


@pytest.mark.parametrize(
    ("run", "is_first", "kind"),
    [("0a", True, MlflowReporter), ("0a", False, SilentReporter), ("", True, SilentReporter)],
)
def test_only_the_first_rank_of_a_tracked_run_reports(
    store: tuple[str, str], run: str, is_first: bool, kind: type[Any]
) -> None:
    job = TrainingJob(
        "/snapshot", NETWORK, training_settings(), "/checkpoints", tracking_uri=store[0], run_id=run
    )
    assert type(reporter_for(job, is_first)) is kind


def test_the_curves_of_a_training(store: tuple[str, str], run_id: str, tmp_path: Path) -> None:
    uri, _ = store
    manifest = write_snapshot_files(
        tmp_path / "snapshot", small_sessions([3, 8, 2, 5] * 15), small_sessions([4, 7], first=99)
    )
    job = training_job(manifest, tmp_path / "checkpoints", epochs=2, batch_plays=8)
    result = train(job, MlflowReporter(uri, run_id))
    expected = [(epoch, metrics["validation_nll"]) for epoch, metrics in enumerate(result.history)]
    assert curve(uri, run_id, "validation/nll") == expected
    # 30 batches of one session of 8 steps and 15 of two sessions of 4 make 45 steps an epoch, 90 in all;
    # every 50th is reported.
    names = [name for name in MlflowClient(uri).get_run(run_id).data.metrics if name.startswith("step/")]
    assert names
    assert all([step for step, _ in curve(uri, run_id, name)] == [50] for name in names)
