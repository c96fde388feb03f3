"""Two nights in a process of its own: ``python -m benchmarks.night.run FOLDER PLAYS RESULT``.

The feed lies on disk, two days of it of the same size; a model trained on small days before scores them. The
first night finds a process in which little is warm, ingests both days, since a day is closed by the slot of
the next one, and leaves a history; the second is the same once more with one slot.
With ``--train`` a new model is trained in between, on users drawn from the first night's plays. What is
measured is written step by step, so that a run which ends early has told what it did.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.events import DAY, PLAYS_PER_USER, write_events
from benchmarks.measure import timed
from benchmarks.night.tasks import figures_of_steps
from benchmarks.workspace import made_once, spark_session
from uae_model.config import load_config
from uae_model.core.atomic import write_whole
from uae_model.core.dates import days_between
from uae_model.core.usage import usage_below
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

SMALL_DAYS = TRAINED_DAYS + 1
"""The last of them closes those that are trained on, so that no large slot is ingested before the nights."""
FIRST = DAY + timedelta(days=SMALL_DAYS)
NIGHTS = (FIRST, FIRST + timedelta(days=1))
PLAYS_OF_ONE_DRAWN = 50
"""Plays of the first night for each that a training takes: two million of a hundred."""
REPORT, TRAINED = "report", "training"

SETTINGS = """
[paths]
hmac_key_file = "hmac.key"
[snapshot]
split = "sessions"
max_plays = {sample}
[training]
window_days = 1
epochs = 1
estimator = "chain"
stickiness = [0.4]
processes = 1
[publication]
max_volume_factor = 1000.0
[promotion]
beat_base_rate = false
min_training_plays = 0
max_nll_increase = 1000.0
"""


def main() -> int:
    """Run both nights; write what they took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.night.run", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("plays", type=int, help="of the first night's day")
    parser.add_argument("result", type=Path)
    parser.add_argument("--second", type=int, help="plays of the second night's day; default: as many")
    parser.add_argument("--train", action="store_true", help="also train on the first night's plays")
    parser.add_argument(
        "--master",
        default="local[*]",
        help='Spark\'s; "local-cluster[2,1,2048]" starts a master and two workers',
    )
    args = parser.parse_args()
    sizes = (args.plays, args.second or args.plays)
    made_once(args.folder, lambda place: write_feed(place, sizes))
    measure(args.folder, args.result, trains=args.train, master=args.master)
    return 0


def write_feed(folder: Path, sizes: Sequence[int]) -> None:
    """Write small days and large ones, each event in its day's slot; the last slot closes the last night."""
    users = [SMALL_USERS] * SMALL_DAYS + [plays // PLAYS_PER_USER for plays in (*sizes, sizes[-1])]
    for day, count in zip(days_between(DAY, NIGHTS[-1] + timedelta(days=1)), users, strict=True):
        write_events(folder / "feed", count, day, seed=3, returning_users=True)
    for slot in (folder / "feed").glob("dt=*"):
        (slot / "_SUCCESS").touch()
    (folder / "hmac.key").write_text("k" * 32)
    (folder / "uae.toml").write_text(SETTINGS.format(sample=sizes[0] // PLAYS_OF_ONE_DRAWN))


def measure(folder: Path, result: Path, *, trains: bool, master: str = "local[*]") -> None:
    """Train on the small days, run the nights, and write what the steps of each took."""
    config = load_config(folder / "uae.toml")
    log = folder / "spark-events"
    log.mkdir(exist_ok=True)
    told = {"spark.eventLog.enabled": "true", "spark.eventLog.compress": "false"}
    nights: list[dict[str, Any]] = []

    def keep() -> None:
        write_whole(str(result), json.dumps({"nights": nights}).encode())

    with spark_session(folder, master, {**told, "spark.eventLog.dir": f"file://{log}"}) as spark:
        registry = Registry(config)
        make_champion(TableStore(spark, config), registry, DAY + timedelta(days=TRAINED_DAYS - 1))
        for day in NIGHTS:
            night: dict[str, Any] = {"day": day.isoformat(), "steps": []}
            nights.append(night)
            steps = Steps(night["steps"], keep, folder / "tables")
            night["plays"] = run_by_steps(TableStore(spark, config), registry, day, steps)
            if trains and day == NIGHTS[0]:
                with steps.measured(TRAINED):
                    make_champion(TableStore(spark, config), registry, day)
    tasks = figures_of_steps(log, [step for night in nights for step in night["steps"]])
    for step, figures in zip((step for night in nights for step in night["steps"]), tasks, strict=True):
        step |= figures
    keep()


def make_champion(store: TableStore, registry: Registry, last: date) -> None:
    """Train on the days up to one, and promote what comes of it whatever the gates say."""
    prepare_days(store, max(DAY, last - timedelta(days=1)), last, features=True)
    attention, _ = train(store, registry, last)
    promote(store.config, registry, attention, force=True)


@dataclass(frozen=True)
class Steps:
    """What the steps of a night took, told after each of them, and the bytes by which the tables grew."""

    taken: list[dict[str, Any]]
    keep: Callable[[], None]
    tables: Path

    @contextmanager
    def measured(self, name: str) -> Iterator[None]:
        """Measure a step, and add what it took."""
        before, began = usage_below(self.tables), time.time()
        with timed() as run:
            yield
        step = {"step": name, "began": began, "ended": time.time(), "seconds": run.seconds}
        written = (usage_below(self.tables) - before).size
        figures = {"cpu_seconds": run.cpu_seconds, "peak_bytes": run.peak_bytes, "bytes_written": written}
        self.taken.append({**step, **figures})
        self.keep()


def run_by_steps(store: TableStore, registry: Registry, day: date, steps: Steps) -> int:
    """Run the steps of a night one by one, then its report; return its plays."""
    config = store.config
    night = open_night(store, day, day, registry)
    for step in steps_of_night(config):
        with steps.measured(step.table):
            run_steps(night, [step])
    with steps.measured(REPORT):
        page = render(collect(store, registry, day))
        write_whole(f"{config.paths.reports}/{day}.html", page.encode())
    return night.row_count("plays", day)


if __name__ == "__main__":
    sys.exit(main())
