"""``python -m benchmarks.month``: nights in a row with late events and 44 features, late against early ones.

Every slot brings some events of the day before, so each night builds that day again beside its own, and the
windows of the aggregates fill up to 30 days. The last nights are run in turn with nights 3 to 5 of new
tables, in one process that is warm, each with nothing of the tables in its caches. CPU seconds of the process
and all below it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from tqdm import tqdm

from benchmarks.claims import Claim, conclude
from benchmarks.events import DAY, PLAYS_PER_USER, write_events
from benchmarks.features import config_of_44, days_from
from benchmarks.many_days import fresh
from benchmarks.measure import ROOT
from benchmarks.night.lines import NAMES, SHORTEST, step_of
from benchmarks.night.run import Steps, make_champion, run_by_steps
from benchmarks.workspace import made_once, spark_session
from uae_model.config import Config, parse_config
from uae_model.core.logs import configure_logs
from uae_model.lake import TableStore
from uae_model.pages.markdown import markdown_table
from uae_model.pipeline.nightly import run_night
from uae_model.registry.client import Registry

MOST = 1.2
"""Times an early night's CPU seconds that a late one may take."""
EARLY, MEASURED = 5, 3
"""Nights of the tables of early nights, of which the last few are measured: nights 3 to 5."""
LATE_SHARE = 0.001
"""Of a day's events, delivered with the next day's slot."""

SETTINGS: dict[str, dict[str, Any]] = {
    "training": {"window_days": 2, "epochs": 1, "estimator": "chain", "stickiness": [0.4], "processes": 1},
    "promotion": {"beat_base_rate": False, "min_training_plays": 0},
    "publication": {"max_model_age_days": 1000},  # one model scores all nights
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON and the table of the page; 1 if a late night costs too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.month", description=__doc__)
    parser.add_argument("--nights", type=int, default=60, help="of the tables of late nights (default 60)")
    parser.add_argument("--plays", type=int, default=100_000, help="of a day (default 100,000)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "month"))
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "month.json"))
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    args = parser.parse_args(argv)
    if args.nights < 2 * EARLY:
        parser.error(f"--nights {args.nights}: at least {2 * EARLY}")
    configure_logs("ERROR")
    folder = Path(args.data).resolve() / f"{args.plays}-{args.nights}"
    made_once(folder, lambda place: write_feed(place, args.plays, args.nights))
    with spark_session(folder, "local[*]") as spark:
        nights = measure(spark, folder, args.nights)
    content = {"plays": args.plays, "nights": args.nights, "measured": nights}
    page = "speed.md" if args.docs else None
    return conclude(content, args.out, {"month": table(nights)}, claims(nights), page)


def write_feed(folder: Path, plays: int, nights: int) -> None:
    """Write a slot for each day and one more, each with some events of the day before."""
    days = days_from(DAY, nights + 1)
    for day in days:
        write_events(folder / "feed", max(1, plays // PLAYS_PER_USER), day, seed=5, returning_users=True)
    for day in days[:-1]:
        _delay_some(folder / "feed", day)
    for slot in (folder / "feed").glob("dt=*"):
        (slot / "_SUCCESS").touch()
    (folder / "hmac.key").write_text("k" * 32)


def _delay_some(feed: Path, day: date) -> None:
    """Move some events of a day into the slot of the next."""
    draw = np.random.default_rng([7, day.toordinal()])
    (file,) = (feed / f"dt={day}").glob(f"events-{day}-*.parquet")
    events = pq.read_table(file, partitioning=None)
    is_late = draw.random(len(events)) < LATE_SHARE
    pq.write_table(events.filter(~is_late), file, compression="zstd")
    late = feed / f"dt={day + timedelta(days=1)}" / f"late-{day}.parquet"
    pq.write_table(events.filter(is_late), late, compression="zstd")


def measure(spark: SparkSession, folder: Path, nights: int) -> dict[str, list[dict[str, Any]]]:
    """Fill tables, then run their last nights in turn with early ones of new tables; return their steps."""
    late, early = configuration(folder, "late"), configuration(folder, "early")
    make_champion(TableStore(spark, late), Registry(late), DAY + timedelta(days=MEASURED))
    for config, filled in ((late, nights - MEASURED), (early, EARLY - MEASURED)):
        for day in tqdm(days_from(DAY, filled), desc="nights", unit="night"):
            run_night(*fresh(spark, config), day)
    measured: dict[str, list[dict[str, Any]]] = {"early": [], "late": []}
    for number in range(MEASURED):
        for when, config, last in (("early", early, EARLY), ("late", late, nights)):
            day = DAY + timedelta(days=last - MEASURED + number)
            night: dict[str, Any] = {"day": day.isoformat(), "steps": []}
            steps = Steps(night["steps"], lambda: None, folder / when)
            night["plays"] = run_by_steps(*fresh(spark, config), day, steps)
            measured[when].append(night)
    return measured


def configuration(folder: Path, tables: str) -> Config:
    """Return the settings of one set of tables; both have one feed and one registry."""
    names = ("feed", "reports", "snapshots", "checkpoints", "mlflow_artifacts")
    paths = {
        **{name: str(folder / name) for name in names},
        "tables": str(folder / tables),
        "mlflow": f"sqlite:///{folder}/mlflow.db",
        "hmac_key_file": str(folder / "hmac.key"),
    }
    features = [feature.model_dump() for feature in config_of_44().features]
    return parse_config({"paths": paths, "features": features, **SETTINGS})


def table(nights: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the median CPU seconds of each step as a Markdown table."""
    rows = []
    for name in _steps(nights):
        early, late = (_median(nights[when], name) for when in ("early", "late"))
        rows.append([NAMES[name], f"{early:.1f} s", f"{late:.1f} s", f"{late / early:.2f}x"])
    early, late = _totals(nights)
    rows.append(["whole night", f"{early:.1f} s", f"{late:.1f} s", f"{late / early:.2f}x"])
    return markdown_table(("step", "early nights", "late nights", "ratio"), rows)


def claims(nights: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Claim]:
    """Return that late nights cost hardly more than early ones."""
    early, late = _totals(nights)
    text = f"a late night costs at most {MOST:g} times an early one"
    return [Claim(text, f"{late / early:.2f} times", late <= MOST * early)]


def _totals(nights: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[float, float]:
    early, late = (
        statistics.median(sum(step["cpu_seconds"] for step in night["steps"]) for night in nights[when])
        for when in ("early", "late")
    )
    return early, late


def _steps(nights: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the steps that had something to do, in their order."""
    seconds = {step["step"]: step["seconds"] for step in nights["late"][-1]["steps"]}
    return [name for name in NAMES if seconds.get(name, 0.0) > SHORTEST]


def _median(nights: Sequence[Mapping[str, Any]], name: str) -> float:
    return statistics.median(float(step_of(night, name)["cpu_seconds"]) for night in nights)


if __name__ == "__main__":
    sys.exit(main())
