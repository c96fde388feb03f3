"""Where rank 0 sends metrics while it trains."""

from __future__ import annotations

import math
from typing import Protocol

from uae_model.core.metric_names import shown_name
from uae_model.training.job import TrainingJob


class Reporter(Protocol):
    """Receives metrics live."""

    def report(self, metrics: dict[str, float], step: int) -> None:
        """Take the metrics of one training step or epoch."""
        ...


class SilentReporter:
    """For ranks other than the first, and for runs without a tracking server."""

    def report(self, metrics: dict[str, float], step: int) -> None:
        """Drop the metrics."""


class MlflowReporter:
    """Logs to a run that the driver opened, in one request per call."""

    def __init__(self, tracking_uri: str, run_id: str) -> None:
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri)
        self._run_id = run_id

    def report(self, metrics: dict[str, float], step: int) -> None:
        """Log the metrics at a step; a value that is no number is left to the caller's checks."""
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        self._client.log_batch(
            self._run_id,
            metrics=[Metric(shown_name(name), value, now, step) for name, value in finite.items()],
        )


def reporter_for(job: TrainingJob, is_first: bool) -> Reporter:
    """Return the reporter of a rank."""
    if is_first and job.run_id:
        return MlflowReporter(job.tracking_uri, job.run_id)
    return SilentReporter()
