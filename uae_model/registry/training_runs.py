"""The MLflow runs of trainings: one for each training key, with its settings, its curves and its figures."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import date

from mlflow import MlflowClient
from mlflow.entities import Metric, Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from uae_model import __version__
from uae_model.config import Config
from uae_model.core.metric_names import CHOSEN, by_known_name, known_name, shown_name
from uae_model.registry.description import data_tags
from uae_model.registry.tracking import experiment_id
from uae_model.snapshot.manifest import Manifest

ABOUT_EXPERIMENT = (
    "The trainings of `uae train`, one run each. Metrics under `train` and `validation` are those of every "
    "epoch, under `chosen` those of the epoch that was registered, under the name of a candidate its own."
)


class TrainingRuns:
    """The runs of ``registry.experiment``.

    Args:
        client: of the tracking server.
        config: the settings.
    """

    def __init__(self, client: MlflowClient, config: Config) -> None:
        self._client = client
        self._config = config

    def open(self, key: str, manifest: Manifest, days: tuple[date, date]) -> str:
        """Return the run of this training, opened unless an earlier attempt did.

        Args:
            key: the training key; a resumed training goes on in its own run.
            manifest: the snapshot.
            days: first training day and last validation day.
        """
        experiment = experiment_id(
            self._client, self._config, self._config.registry.experiment, ABOUT_EXPERIMENT
        )
        runs = self._client.search_runs(
            [experiment], f"tags.training_key = '{key}'", max_results=1, order_by=["start_time DESC"]
        )
        if runs:
            return str(runs[0].info.run_id)
        run: Run = self._client.create_run(
            experiment,
            run_name=f"train-{days[1].isoformat()}",
            tags={
                "training_key": key,
                "code_version": __version__,
                "config_digest": self._config.digest(),
                **data_tags(manifest),
            },
        )
        self._log_parameters(run.info.run_id)
        self._client.log_text(run.info.run_id, self._config.canonical_json(), "config.json")
        return str(run.info.run_id)

    def finish(self, run_id: str, tags: Mapping[str, str], description: str) -> None:
        """Say what a training gave, and end its run."""
        noted = {**tags, MLFLOW_RUN_NOTE: description}
        self._client.log_batch(run_id, tags=[RunTag(name, value) for name, value in noted.items()])
        self._client.set_terminated(run_id, "FINISHED")

    def log_chosen(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Log the figures of the registered epoch; MLflow holds no number that is not finite."""
        now = int(time.time() * 1000)
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        self._client.log_batch(
            run_id,
            metrics=[Metric(shown_name(CHOSEN + name), value, now, 0) for name, value in finite.items()],
        )

    def metrics(self, run_id: str) -> dict[str, float]:
        """Return the last value of each metric by the code's name."""
        return by_known_name(self._client.get_run(run_id).data.metrics)

    def recorded(self, run_id: str) -> dict[str, str]:
        """Return what a training gave, as text: its tags, and the figures of the registered epoch."""
        data = self._client.get_run(run_id).data
        figures = {
            name.removeprefix(CHOSEN): f"{value:.6g}"
            for name, value in by_known_name(data.metrics).items()
            if name.startswith(CHOSEN)
        }
        return {**figures, **{name: tag for name, tag in data.tags.items() if not name.startswith("mlflow.")}}

    def history(self, run_id: str) -> dict[str, list[tuple[int, float]]]:
        """Return what was logged while it trained: name -> (step, value), by step."""
        curves: dict[str, set[tuple[int, float]]] = {}
        for shown in self._client.get_run(run_id).data.metrics:
            name = known_name(shown)
            if not name.startswith(CHOSEN):
                points = self._client.get_metric_history(run_id, shown)
                curves.setdefault(name, set()).update((point.step, point.value) for point in points)
        return {name: sorted(points) for name, points in curves.items()}

    def _log_parameters(self, run_id: str) -> None:
        for section in ("network", "training", "weights"):
            for name, value in getattr(self._config, section).model_dump(mode="json").items():
                self._client.log_param(run_id, f"{section}.{name}", value)
