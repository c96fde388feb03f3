"""Runs of trainings that were killed and never resumed: MLflow holds them as running for ever."""

from __future__ import annotations

from datetime import datetime

from mlflow import MlflowClient
from mlflow.entities import Run, RunStatus

from uae_model.config import Config
from uae_model.core.any_storage import storage_usage
from uae_model.core.filesystems import is_on_s3
from uae_model.core.locations import is_local, plain_path
from uae_model.core.usage import Usage, usage_below
from uae_model.registry.tracking import quiet_mlflow
from uae_model.snapshot.own_folder import remove_folder


def dead_runs(config: Config, before: datetime) -> list[Run]:
    """Return the training runs that began before a moment, never ended and registered no model."""
    quiet_mlflow()
    client = MlflowClient(config.paths.mlflow)
    experiment = client.get_experiment_by_name(config.registry.experiment)
    if experiment is None:
        return []
    running = client.search_runs(
        [experiment.experiment_id],
        f"attributes.status = '{RunStatus.to_string(RunStatus.RUNNING)}' "
        f"and attributes.start_time < {int(before.timestamp() * 1000)}",
    )
    return [run for run in running if "training_key" in run.data.tags and not _has_models(client, run)]


def _has_models(client: MlflowClient, run: Run) -> bool:
    return bool(client.search_model_versions(f"run_id = '{run.info.run_id}'"))


def run_usage(run: Run) -> Usage:
    """Return what a run's own artifacts take, where they lie on this machine or on S3."""
    location = str(run.info.artifact_uri)
    if is_local(location):
        return usage_below(plain_path(location))
    return storage_usage(location) if is_on_s3(location) else Usage()


def remove_run(config: Config, run: Run) -> None:
    """Mark a run as killed, delete it and remove its artifacts."""
    client = MlflowClient(config.paths.mlflow)
    client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.KILLED))
    client.delete_run(run.info.run_id)
    location = str(run.info.artifact_uri)
    if is_local(location) or is_on_s3(location):  # a server of MLflow's keeps its own
        remove_folder(plain_path(location).removesuffix("/artifacts"))
