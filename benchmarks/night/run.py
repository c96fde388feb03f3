"""One night in a process of its own: ``python -m benchmarks.night.run FOLDER PLAYS RESULT``.

The feed lies on disk, two days of it of the same size; a model trained on small days before scores them. The
first night finds a process in which little is warm, and leaves a history; the second is the same once more.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from benchmarks.events import DAY, PLAYS_PER_USER, write_events
from benchmarks.measure import timed
from benchmarks.night.tasks import figures_of_steps
from benchmarks.workspace import made_once, spark_session
from uae_model.config import Config, load_config
from uae_model.core.atomic import write_whole
from uae_model.core.dates import days_between
from uae_model.lake import TableStore
from uae_model.pipeline.nightly import open_night, prepare_days, train
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.steps import steps_of_night
from uae_model.pipeline.steps.training import promote
from uae_model.registry.client import Registry
from uae_model.report import collect, render

SMALL_USERS = 1_000
TRAINED_DAYS = 3
"""Small days, on which the model is trained."""

FIRST = DAY + timedelta(days=TRAINED_DAYS)
NIGHTS = (FIRST, FIRST + timedelta(days=1))
REPORT = "report"

SETTINGS = """
[paths]
hmac_key_file = "hmac.key"
[training]
window_days = 2
epochs = 1
estimator = "chain"
stickiness = [0.4]
processes = 1
[promotion]
beat_base_rate = false
min_training_plays = 0
max_nll_increase = 1000.0
"""


def main() -> int:
    """Run both nights; write what the second took."""
    folder, plays, result = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    made_once(folder, lambda place: write_feed(place, plays))
    result.write_text(json.dumps(measure(folder)))
    return 0


def write_feed(folder: Path, plays: int) -> None:
    """Write small days and large ones, each event in its day's slot; the last slot closes the last night."""
    users = plays // PLAYS_PER_USER
    for day in days_between(DAY, NIGHTS[-1] + timedelta(days=1)):
        count = SMALL_USERS if day < NIGHTS[0] else users
        write_events(folder / "feed", count, day, seed=3, returning_users=True)
    for slot in (folder / "feed").glob("dt=*"):
        (slot / "_SUCCESS").touch()
    (folder / "hmac.key").write_text("k" * 32)
    (folder / "uae.toml").write_text(SETTINGS)


def measure(folder: Path) -> dict[str, Any]:
    """Train on the small days, run the nights, and return what the steps of each took."""
    config = load_config(folder / "uae.toml")
    log = folder / "spark-events"
    log.mkdir(exist_ok=True)
    told = {"spark.eventLog.enabled": "true", "spark.eventLog.compress": "false"}
    with spark_session(folder, "local[*]", {**told, "spark.eventLog.dir": f"file://{log}"}) as spark:
        registry = Registry(config)
        _make_champion(TableStore(spark, config), registry)
        nights = [_night(spark, config, registry, day) for day in NIGHTS]
    tasks = figures_of_steps(log, [step for night in nights for step in night["steps"]])
    for step, figures in zip((step for night in nights for step in night["steps"]), tasks, strict=True):
        step |= figures
    return {"nights": nights}


def _make_champion(store: TableStore, registry: Registry) -> None:
    last = DAY + timedelta(days=TRAINED_DAYS - 1)
    prepare_days(store, DAY, last)
    attention, _ = train(store, registry, last)
    if registry.champion_versions() is None:
        promote(store.config, registry, attention, force=True)


def _night(spark: SparkSession, config: Config, registry: Registry, day: date) -> dict[str, Any]:
    """Run the steps of a night one by one, then its report."""
    store = TableStore(spark, config)
    night = open_night(store, day, day, registry)
    steps: list[dict[str, Any]] = []
    for step in steps_of_night(config):
        with _measured(step.table, steps):
            run_steps(night, [step])
    with _measured(REPORT, steps):
        page = render(collect(store, registry, day))
        write_whole(f"{config.paths.reports}/{day}.html", page.encode())
    return {"day": day.isoformat(), "plays": night.row_count("plays", day), "steps": steps}


@contextmanager
def _measured(name: str, steps: list[dict[str, Any]]) -> Iterator[None]:
    """Measure a step, and add what it took."""
    began = time.time()
    with timed() as run:
        yield
    taken = {"step": name, "began": began, "ended": time.time()}
    steps.append(
        {**taken, "seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "peak_bytes": run.peak_bytes}
    )


if __name__ == "__main__":
    sys.exit(main())
