"""Trials as MLflow runs: one finished run each, found again by the tag ``cell_key``."""

from __future__ import annotations

import time
from dataclasses import asdict

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from uae_model import __version__
from uae_model.config import Config
from uae_model.core.metric_names import by_known_name, shown_name
from uae_model.evaluation.trials import TrialResult
from uae_model.registry.tracking import experiment_id, quiet_mlflow

RUNS_PER_PAGE = 1000
KEY_TAG = "cell_key"
"""Tag of a trial's key, by the name that the runs of all versions have."""

ABOUT = (
    "The trials of `uae evaluate`, one run each: a base model, trained on the plays of the training days "
    "under one weighting with one seed, and judged on the test days. Metrics are grouped by the labels that "
    "judge."
)


def open_trials(config: Config) -> MlflowTrials:
    """Return the runs of ``evaluation.experiment``."""
    quiet_mlflow()
    client = MlflowClient(config.paths.mlflow)
    return MlflowTrials(client, experiment_id(client, config, config.evaluation.experiment, ABOUT))


class MlflowTrials:
    """The runs of one experiment."""

    def __init__(self, client: MlflowClient, experiment_id: str) -> None:
        self._client = client
        self._experiment = experiment_id

    def known(self) -> dict[str, dict[str, float]]:
        """Return the metrics of every finished trial by its key; a run that was cut off is not finished."""
        metrics: dict[str, dict[str, float]] = {}
        token: str | None = None
        while True:
            page = self._client.search_runs(
                [self._experiment],
                "attributes.status = 'FINISHED'",
                ViewType.ACTIVE_ONLY,
                RUNS_PER_PAGE,
                page_token=token,
            )
            for run in page:
                if KEY_TAG in run.data.tags:
                    metrics.setdefault(run.data.tags[KEY_TAG], by_known_name(run.data.metrics))
            token = page.token
            if not token:
                return metrics

    def save(self, key: str, result: TrialResult) -> None:
        """Record a trial in a run of its own, which is FINISHED only when everything is in it.

        Metrics that are no number (a setting with one class) are left out; those of the epochs carry their
        number as step.
        """
        trial = result.trial
        run = self._client.create_run(
            self._experiment, run_name=f"{trial.model} {trial.weighting} seed {trial.seed}"
        )
        now = int(time.time() * 1000)
        metrics = [
            Metric(shown_name(name), value, now, 0)
            for name, value in result.metrics.items()
            if value == value
        ]
        for epoch, values in enumerate(result.history):
            metrics += [
                Metric(shown_name(f"epoch_{name}"), value, now, epoch) for name, value in values.items()
            ]
        self._client.log_batch(
            run.info.run_id,
            metrics=metrics,
            params=[Param(name, str(value)) for name, value in asdict(trial).items()],
            tags=[
                RunTag(KEY_TAG, key),
                RunTag("code_version", __version__),
                RunTag(
                    MLFLOW_RUN_NOTE,
                    f"{trial.model} trained on plays weighted by `{trial.weighting}`, seed {trial.seed}.",
                ),
            ],
        )
        self._client.set_terminated(run.info.run_id, "FINISHED")
