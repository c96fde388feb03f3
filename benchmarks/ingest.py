"""Ingest of the same plays as Parquet, CSV and JSON lines: this tree against another checkout, in turn.

``python -m benchmarks.ingest --peer CHECKOUT`` where the checkout has an environment of its own. Both run the
``uae ingest`` job under the same settings; CPU seconds of the whole process tree are compared, since the
machine
may be shared. The job's start is measured once with a feed of few plays and taken off.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.events import DAY, PLAYS_PER_USER, write_events
from benchmarks.measure import ROOT

FORMATS = ("parquet", "csv", "jsonl")
FEW_USERS = 50

CHILD = """
import sys
from datetime import date
from benchmarks.measure import timed
from uae_model.config import load_config
try:
    from uae_model.ingest.feed import Feed
    from uae_model.lake import TableStore
    from uae_model.lake.spark import start_spark
    from uae_model.pipeline.runner import run_steps
    from uae_model.pipeline.step import Night
    from uae_model.pipeline.steps import ingest_steps

    def ingest(store, feed, day):
        run_steps(Night(store, day, day, slots=feed.slots(day), reopens=False), ingest_steps(store.config))
except ImportError:  # a checkout of before the rooms
    from uae_model.feed import Feed
    from uae_model.pipeline.ingest import ingest_slots
    from uae_model.spark import start_spark
    from uae_model.tables import TableStore

    def ingest(store, feed, day):
        ingest_slots(store, feed, feed.slots(day))
spark = start_spark("benchmark")
for file in sys.argv[1:3]:
    config = load_config(file)
    store = TableStore(spark, config)
    with timed() as run:
        ingest(store, Feed(spark, config), date.fromisoformat(sys.argv[3]))
print(run.cpu_seconds)
spark.stop()
"""
"""What runs in each checkout; its modules stood elsewhere in earlier ones."""


def main() -> int:
    """Measure and print one line of JSON a format; the ratio is the rate here by the rate of the peer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--peer", required=True, help="another checkout with an environment in .venv")
    parser.add_argument("--users", type=int, default=10_000, help=f"each has {PLAYS_PER_USER} plays")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    args = parser.parse_args()
    trees = {"here": ROOT, "peer": Path(args.peer).resolve()}
    with tempfile.TemporaryDirectory() as scratch:
        for file_format in args.formats:
            print(
                json.dumps(_compare(Path(scratch), file_format, trees, args.users, args.repeats)), flush=True
            )
    return 0


def _compare(
    scratch: Path, file_format: str, trees: dict[str, Path], users: int, repeats: int
) -> dict[str, Any]:
    feeds = {
        size: write_feed(scratch / f"{file_format}-{size}", file_format, size) for size in (FEW_USERS, users)
    }
    seconds: dict[str, list[float]] = {name: [] for name in trees}
    for _ in range(repeats):
        for name, tree in trees.items():
            seconds[name].append(cpu_seconds(tree, feeds[FEW_USERS], feeds[users], file_format))
    ratios = [peer / here for here, peer in zip(seconds["here"], seconds["peer"], strict=True)]
    plays = users * PLAYS_PER_USER
    return {
        "format": file_format,
        "plays": plays,
        "cpu_microseconds_a_play": {
            name: round(statistics.median(found) / plays * 1e6, 1) for name, found in seconds.items()
        },
        "ratio": round(statistics.median(ratios), 2),
    }


def write_feed(folder: Path, file_format: str, users: int) -> Path:
    """Write a day's slot of the default feed in a format."""
    write_events(folder / "events", users, DAY, seed=1)
    table = pq.read_table(folder / "events")
    table = table.filter(pc.equal(table["dt"].cast(pa.string()), DAY.isoformat())).drop_columns(["dt"])
    moments = pc.strftime(table["played_at"], format="%Y-%m-%dT%H:%M:%SZ")
    table = table.set_column(table.column_names.index("played_at"), "played_at", moments)
    slot = folder / "feed" / f"dt={DAY}"
    slot.mkdir(parents=True)
    if file_format == "parquet":
        pq.write_table(table, slot / "part-0.parquet")
    elif file_format == "csv":
        pyarrow.csv.write_csv(table, slot / "part-0.csv")
    else:
        with (slot / "part-0.json").open("w") as file:
            for batch in table.to_batches():
                file.writelines(json.dumps(row) + "\n" for row in batch.to_pylist())
    (slot / "_SUCCESS").touch()
    return folder


def cpu_seconds(tree: Path, few: Path, many: Path, file_format: str) -> float:
    """Ingest a feed with a checkout's code, after a small one; return the CPU seconds of the second."""
    for folder in (few, many):
        shutil.rmtree(folder / "tables", ignore_errors=True)
        (folder / "uae.toml").write_text(f'[feed]\nformat = "{file_format}"\n')
    done = subprocess.run(
        [tree / ".venv/bin/python", "-c", CHILD, few / "uae.toml", many / "uae.toml", DAY.isoformat()],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "UAE_HMAC_KEY": "a key for the benchmark"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{tree}: {done.stderr[-2000:]}")
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
