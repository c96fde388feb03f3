"""``python -m benchmarks.many_days``: a night of tables with 400 days against one of tables with 10.

The days are tiny, so what is measured is what a night costs whatever it holds: planning, the memory, logs of
tables, checks. After each night a day passes for the logs of the tables, so that Delta cleans them up as it
does where a night is a day: of most tables the commits of the last 30 days stay. Early and late nights are
run in turn in one process that is warm, each with nothing of the tables in its caches, as a process of its
own finds them. What needs the days from before works, too: training and evaluation on all of them, and an
event that is delivered late.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from tqdm import tqdm

from benchmarks.__main__ import PAGES, machine, replace_block
from benchmarks.events import DAY
from benchmarks.measure import ROOT, timed
from benchmarks.workspace import emptied, spark_session
from uae_model.config import Config, load_config
from uae_model.core.dates import days_between
from uae_model.core.logs import configure_logs
from uae_model.evaluation.mlflow_trials import open_trials
from uae_model.lake import TableStore
from uae_model.pages.markdown import markdown_table
from uae_model.pipeline.evaluate import evaluate
from uae_model.pipeline.nightly import plan_night, prepare_days, run_night, train
from uae_model.pipeline.steps.training import promote
from uae_model.readers.arrow import published_days
from uae_model.registry.client import Registry

LIMIT = 1.2
"""How many times an early night's CPU seconds a late one may take."""
EARLY, MEASURED = 12, 5
"""Days of the tables of early nights, of which the last few are measured: nights 8 to 12."""
USERS, PLAYS_PER_USER = 10, 4
STRETCH = 30
"""Days that are prepared at a time."""
SIZES = 4, 2, 1
"""Nights are measured after these parts of all days."""

SETTINGS = """
[paths]
hmac_key_file = "hmac.key"
[feed]
format = "jsonl"
late_days = 2
[network]
embedding = 2
hidden = 4
mlp = [4]
[training]
window_days = 5
epochs = 1
stickiness = [0.4]
processes = 1
[promotion]
beat_base_rate = false
min_training_plays = 0
[publication]
max_model_age_days = 1000  # one model scores all nights
[evaluation]
models = ["FM"]
weightings = ["none", "auto"]
seeds = [1]
epochs = 1
[[features]]
name = "device"
kind = "categorical"
role = "context"
buckets = 64
[[features]]
name = "play_rank"
kind = "numeric"
role = "context"
source = "session.position"
[[features]]
name = "song"
kind = "categorical"
role = "preference"
source = "event.song_id"
buckets = 100
"""


@dataclass(frozen=True)
class Night:
    """What a night took: CPU seconds of the process and all below it, Java's threads included.

    ``plan_*``: of ``uae plan`` before it, which looks at the same units.
    """

    number: int
    cpu_seconds: float
    seconds: float
    plan_cpu_seconds: float
    plan_seconds: float


def main() -> int:
    """Measure, print, write JSON and the table of the page; 1 if a late night costs too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_days", description=__doc__)
    parser.add_argument("--days", type=int, default=400, help="days of the tables of late nights")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "many_days"))
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "many_days.json"))
    parser.add_argument("--resume", action="store_true", help="go on with the days that --data holds")
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    args = parser.parse_args()
    if args.days < 2 * EARLY:
        parser.error(f"--days {args.days}: at least {2 * EARLY}")
    configure_logs("ERROR")
    folder = Path(args.data).resolve()
    if not args.resume:
        emptied(folder)
    if not folder.exists():
        write_feed(folder, args.days)
    with spark_session(folder, "local[*]", TINY) as spark:
        result = measure(spark, folder, args.days)
    Path(args.out).write_text(json.dumps({"machine": machine(), **result}, indent=1) + "\n")
    text = table(result)
    print(text)
    if args.docs:
        replace_block(PAGES / "speed.md", "many-days", text)
    return 0 if result["ratio"] <= LIMIT else 1


TINY = {
    # Tables are tiny: one task a step, and interpreting a plan is faster than compiling it.
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.coalescePartitions.initialPartitionNum": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.ui.enabled": "false",
}


def measure(spark: SparkSession, folder: Path, days: int) -> dict[str, Any]:
    """Fill tables and measure nights at each size, then train, evaluate and reopen a day.

    What is measured of a size is kept in the folder, for a call that goes on.
    """
    late, kept = configuration(folder, "late"), folder / "sizes.json"
    if Registry(late).champion_versions() is None:
        champion(spark, late)
    sizes: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for size in (days // part for part in SIZES):
        if str(size) not in sizes:
            sizes[str(size)] = measure_size(spark, folder, late, size)
            kept.write_text(json.dumps(sizes))
    ratio = sizes[str(days)]["ratio"]
    plays = USERS * PLAYS_PER_USER
    return {"plays_a_day": plays, "ratio": ratio, "sizes": sizes, **on_all_days(spark, late, days)}


def measure_size(spark: SparkSession, folder: Path, late: Config, size: int) -> dict[str, Any]:
    """Fill the tables up to a number of days; measure the last nights, in turn with nights of new tables."""
    early = configuration(folder, f"early-{size}")
    with timed() as filling:
        backfill(spark, late, size - MEASURED)
    backfill(spark, early, EARLY - MEASURED)
    nights: dict[str, list[Night]] = {"early": [], "late": []}
    for number in range(1, MEASURED + 1):
        nights["early"].append(run(spark, early, EARLY - MEASURED + number))
        nights["late"].append(run(spark, late, size - MEASURED + number))
    median = {
        when: statistics.median(night.cpu_seconds + night.plan_cpu_seconds for night in those)
        for when, those in nights.items()
    }
    return {
        "ratio": median["late"] / median["early"],
        "median_cpu_seconds": median,
        "backfill_seconds": filling.seconds,
        "nights": {when: [asdict(night) for night in those] for when, those in nights.items()},
    }


def champion(spark: SparkSession, config: Config) -> None:
    """Train on the first days and promote what comes of it."""
    store, registry = TableStore(spark, config), Registry(config)
    prepare_days(store, day_of(1), day_of(EARLY - MEASURED))
    version, _ = train(store, registry, day_of(EARLY - MEASURED))
    promote(config, registry, version)


def backfill(spark: SparkSession, config: Config, last: int) -> None:
    """Do what ``uae backfill`` does, a stretch of days at a time, but for the days that are published."""
    store, registry = TableStore(spark, config), Registry(config)
    missing = [
        number
        for number in range(1, last + 1)
        if store.states.accepted("publications", day_of(number)) is None
    ]
    with tqdm(total=last, initial=last - len(missing), desc="nights", unit="night") as bar:
        for start in range(0, len(missing), STRETCH):
            stretch = missing[start : start + STRETCH]
            prepare_days(store, day_of(stretch[0]), day_of(stretch[-1]))
            for number in stretch:
                run_night(store, registry, day_of(number))
                a_day_passes(Path(config.paths.tables))
                bar.update()


def run(spark: SparkSession, config: Config, number: int) -> Night:
    """Plan a night and run it, with nothing in the caches of tables and a memory that is read anew.

    Raises:
        RuntimeError: if it was run before, so that nothing is left to measure.
    """
    if TableStore(spark, config).states.accepted("publications", day_of(number)):
        raise RuntimeError(f"night {number} was run already; start again without --resume")
    with timed() as planning:
        plan_night(*fresh(spark, config), day_of(number))
    with timed() as running:
        run_night(*fresh(spark, config), day_of(number))
    a_day_passes(Path(config.paths.tables))
    times = (running.cpu_seconds, running.seconds, planning.cpu_seconds, planning.seconds)
    return Night(number, *(round(value, 3) for value in times))


def a_day_passes(tables: Path) -> None:
    """Make the files of the tables' logs a day older, by which Delta tells which commits are past keeping."""
    for file in tables.glob("*/_delta_log/*"):
        if file.is_file():
            at = file.stat().st_mtime - timedelta(days=1).total_seconds()
            os.utime(file, (at, at))


def fresh(spark: SparkSession, config: Config) -> tuple[TableStore, Registry]:
    """Return what a job starts with."""
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
    return TableStore(spark, config), Registry(config)


def on_all_days(spark: SparkSession, config: Config, days: int) -> dict[str, Any]:
    """Train and evaluate on all days, then run the night that delivers an event of two days before."""
    window = days - 10  # the others are for validation and test
    settings = config.training.model_copy(update={"window_days": window, "validation_days": 2})
    wide = config.model_copy(update={"training": settings})
    store, registry = fresh(spark, wide)
    with timed() as training:
        version, _ = train(store, registry, day_of(days))
    with timed() as evaluation:
        evaluated = evaluate(store, open_trials(wide), day_of(days), registry.champion)
    changed = day_of(days)
    (before,) = published_days(config.paths.tables, changed)
    summary = run_night(*fresh(spark, config), day_of(days + 1))
    (after,) = published_days(config.paths.tables, changed)
    if changed.isoformat() not in summary["republished"] or after.rows != before.rows + 1:
        raise RuntimeError(f"the late event of {changed} was not published: {summary}")
    return {
        "training": {"days": window, "version": version, "seconds": training.seconds},
        "evaluation": {"plays": evaluated["plays"], "seconds": evaluation.seconds},
        "reopened": summary["republished"],
    }


def configuration(folder: Path, tables: str) -> Config:
    """Return the settings of one set of tables; both have one feed and one registry."""
    return load_config(folder / "uae.toml", overrides=[f'paths.tables="{folder / tables}"'])


def day_of(number: int) -> date:
    """Return a day by its number, which counts from 1."""
    return DAY + timedelta(days=number - 1)


def write_feed(folder: Path, days: int) -> None:
    """Write settings, key and the feed; the second day after the last one brings an event of two days before.

    The night after the last one reads that slot too, for sessions that go past midnight: so no measured night
    has a day to publish again.
    """
    folder.mkdir(parents=True)
    (folder / "uae.toml").write_text(SETTINGS)
    (folder / "hmac.key").write_text("k" * 32)
    draw = random.Random(1)
    for day in days_between(day_of(1), day_of(days + 2)):
        rows = [play for user in range(USERS) for play in plays_of(day, user, draw)]
        if day == day_of(days + 2):
            rows.append({**rows[0], "event_id": "late", "played_at": moment_of(day - timedelta(days=2), 60)})
        slot = folder / "feed" / f"dt={day}"
        slot.mkdir(parents=True)
        (slot / "part-0.json").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        (slot / "_SUCCESS").touch()


def plays_of(day: date, user: int, draw: random.Random) -> list[dict[str, Any]]:
    """Return a session of a user; some sessions cross midnight."""
    start = draw.randint(6 * 60, 24 * 60 - 5)
    return [
        {
            "event_id": f"{day}-{user}-{number}",
            "user_id": f"u{user}",
            "song_id": f"s{draw.randint(1, 60)}",
            "played_at": moment_of(day, min(start + 4 * number, 24 * 60 - 1)),
            "played_ms": 230_000,
            "feedback": draw.choice(["auto_play", "auto_play", "auto_play", "like", "skip"]),
            "device": draw.choice(["phone", "car"]),
        }
        for number in range(PLAYS_PER_USER)
    ]


def moment_of(day: date, minute: int) -> str:
    """Return a minute of a day as text."""
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


def table(result: dict[str, Any]) -> str:
    """Return the figures as a Markdown table: medians of the nights of each size."""
    rows = []
    for size, measured in result["sizes"].items():
        cells = [size]
        for nights in measured["nights"].values():
            for name in ("cpu_seconds", "plan_cpu_seconds"):
                cells.append(f"{statistics.median(night[name] for night in nights):.2f} s")
        rows.append([*cells, f"{measured['ratio']:.2f}x"])
    header = ("days", "CPU: night of 10 days", "its plan", "CPU: night of all days", "its plan", "ratio")
    return markdown_table(header, rows)


if __name__ == "__main__":
    sys.exit(main())
