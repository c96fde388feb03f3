"""``python -m benchmarks.small_nights``: nights of small days, each in a process of its own.

A folder is filled with a few nights; the one after them runs again and again by ``uae nightly``, each time on
what these left, in turn with each of the Spark configurations. CPU seconds of the process and all below it.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.claims import Claim, conclude
from benchmarks.events import DAY, PLAYS_PER_USER, write_events
from benchmarks.features import days_from
from benchmarks.measure import ROOT, as_result, run_logged, timed
from benchmarks.night.run import make_champion
from benchmarks.workspace import emptied, made_once, spark_session
from uae_model.config import load_config
from uae_model.core.logs import configure_logs
from uae_model.lake import TableStore
from uae_model.lake.spark import SPARK_CONF_FOLDER
from uae_model.pages.markdown import markdown_table
from uae_model.pipeline.nightly import run_night
from uae_model.registry.client import Registry

PLAYS = (25_000, 100_000, 400_000)
FILLED = 5
"""Nights before the one that is measured."""
TRAINED = 3
MEASURED = DAY + timedelta(days=FILLED)
LOCAL, SMALL = "local.conf", "small.conf"
CONFIGURATIONS = {LOCAL: (LOCAL,), SMALL: (LOCAL, SMALL)}
WANTED_SECONDS = 25.5
"""Half of the 51 s that a night of 25,000 plays took before."""
SETTINGS = """
[paths]
hmac_key_file = "hmac.key"
[training]
window_days = 1
epochs = 1
estimator = "chain"
stickiness = [0.4]
processes = 1
[promotion]
beat_base_rate = false
min_training_plays = 0
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON and the table of the page; 1 if the smallest night takes too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_nights", description=__doc__)
    parser.add_argument("--plays", type=int, nargs="+", default=list(PLAYS), help="of a day")
    parser.add_argument("--repeats", type=int, default=3, help="nights of each kind (default 3)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "small-nights"))
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "small_nights.json"))
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    args = parser.parse_args(argv)
    configure_logs("ERROR")
    folder = Path(args.data).resolve()
    sizes = {plays: measure(folder / str(plays), plays, args.repeats) for plays in sorted(args.plays)}
    page = "speed.md" if args.docs else None
    return conclude({"sizes": sizes}, args.out, {"small nights": table(sizes)}, claims(sizes), page)


def measure(folder: Path, plays: int, repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Return what the nights of one size took, by configuration."""
    filled = made_once(folder / "filled", lambda place: fill(place, plays))
    kept = folder / "kept"
    if not kept.exists():
        shutil.copytree(filled, kept)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CONFIGURATIONS}
    for _ in tqdm(range(repeats), desc=f"{plays:,} plays", unit="pair"):
        for name, of_kind in runs.items():
            of_kind.append(night(filled, folder / f"{name}.log", CONFIGURATIONS[name]))
            # To the same place, with the same times: elsewhere the slot would be one that has changed.
            shutil.copytree(kept, emptied(filled))
    return runs


def fill(folder: Path, plays: int) -> None:
    """Write a feed, train on its first days, and run the nights before the one that is measured."""
    for day in days_from(DAY, FILLED + 2):
        write_events(folder / "feed", plays // PLAYS_PER_USER, day, seed=9, returning_users=True)
    for slot in (folder / "feed").glob("dt=*"):
        (slot / "_SUCCESS").touch()
    (folder / "hmac.key").write_text("k" * 32)
    (folder / "uae.toml").write_text(SETTINGS)
    config = load_config(folder / "uae.toml")
    with spark_session(folder, "local[*]") as spark:
        make_champion(TableStore(spark, config), Registry(config), last_of(TRAINED))
        for day in days_from(DAY, FILLED):
            run_night(TableStore(spark, config), Registry(config), day)


def last_of(days: int) -> date:
    """Return the last of the first days."""
    return DAY + timedelta(days=days - 1)


def night(folder: Path, log: Path, files: Sequence[str]) -> dict[str, Any]:
    """Run the measured night on what the others left; return what it took."""
    command = [sys.executable, "-m", "jobs.nightly", "--config", str(folder / "uae.toml")]
    command += ["--date", MEASURED.isoformat()]
    for file in files:
        command += ["--spark-conf", str(SPARK_CONF_FOLDER / file)]
    with timed() as run:
        run_logged(command, log)
    return as_result(run)


def table(sizes: Mapping[int, Mapping[str, Sequence[Mapping[str, Any]]]]) -> str:
    """Return seconds and CPU seconds of each size and configuration as a Markdown table."""
    rows = []
    for plays, runs in sizes.items():
        cells = [
            f"{_median(runs[name], figure):.0f} s" for figure in ("seconds", "cpu_seconds") for name in runs
        ]
        rows.append([f"{plays:,}", *cells])
    header = [f"{what}, {name}" for what in ("night", "CPU") for name in CONFIGURATIONS]
    return markdown_table(("plays of a day", *header), rows)


def claims(sizes: Mapping[int, Mapping[str, Sequence[Mapping[str, Any]]]]) -> list[Claim]:
    """Return that a night of the smallest size is quick under small.conf."""
    plays = min(sizes)
    seconds = _median(sizes[plays][SMALL], "seconds")
    text = f"a night of {plays:,} plays takes at most {WANTED_SECONDS:g} s under {SMALL}"
    return [Claim(text, f"{seconds:.1f} s", seconds <= WANTED_SECONDS)]


def _median(runs: Sequence[Mapping[str, Any]], figure: str) -> float:
    return statistics.median(float(run[figure]) for run in runs)


if __name__ == "__main__":
    sys.exit(main())
