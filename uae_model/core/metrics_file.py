"""The metrics of a run as text files of Prometheus, for the node exporter's textfile collector.

``uae_JOB.prom`` tells of the last run, however it ended; ``uae_JOB_success.prom`` of the last one that ended
with exit code 0. The format is the text format 0.0.4:
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from uae_model.core.atomic import write_whole
from uae_model.core.run_figures import METRICS, OF_SUCCESS, Metric, RunFigures


def write_metrics(figures: RunFigures, *, is_success: bool) -> list[str]:
    """Write what a run told; return the files.

    A reader sees the former file or the new one, never a part.

    Args:
        figures: of the run, with the folder.
        is_success: whether the run did what it should; otherwise the file of the last success stays.

    Raises:
        OSError: if a file cannot be written.
    """
    stem = f"{figures.folder.rstrip('/')}/uae_{figures.job}"
    contents = {f"{stem}.prom": [metric for metric in METRICS if metric not in OF_SUCCESS]}
    if is_success:
        contents[f"{stem}_success.prom"] = list(OF_SUCCESS)
    for path, metrics in contents.items():
        write_whole(path, as_text(figures, metrics))
    return list(contents)


def as_text(figures: RunFigures, metrics: Sequence[Metric] = METRICS) -> bytes:
    """Return metrics in Prometheus' text format; one that has no value is left out."""
    registry = CollectorRegistry()
    for metric in metrics:
        values = figures.sums(metric)
        if not values:
            continue
        gauge = Gauge(metric.name, metric.meaning, metric.labels, registry=registry)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
    return generate_latest(registry)
