"""``python -m benchmarks.growth``: what 100 nights leave, with ``uae maintain`` every 7th night and without.

Nights are those of the benchmark of many days: real ones, of few plays, with a training every week. Time is
made to pass: after each night every file is made a day older, and a day of the retention of removed data
files is as many seconds as a night takes. So a week's retention is a week of nights, by Delta's own rules.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from tqdm import tqdm

from benchmarks.__main__ import PAGES, machine, replace_block
from benchmarks.many_days import TINY, champion, configuration, day_of, fresh, write_feed
from benchmarks.measure import ROOT
from benchmarks.workspace import emptied, spark_session
from uae_model.config import Config
from uae_model.core.logs import configure_logs
from uae_model.core.usage import usage_below
from uae_model.lake.contract import TableContract
from uae_model.pages.markdown import markdown_table
from uae_model.pipeline.maintain import maintain, summary
from uae_model.pipeline.nightly import run_night

EVERY = 7
"""Nights from one maintenance to the next."""
SECONDS_A_DAY = 12
"""Seconds of real time that stand for a day of the retention of removed data files: longer than a night."""
DAY_SECONDS = 86_400
LIMIT_FILES = 25
"""Files that a night may add under maintenance, in the second half of all nights."""

RETENTION = {
    **{"working_days": 7, "published_days": 28, "training_days": 14},
    **{"events_days": 21, "plays_days": 21, "quarantine_days": 21},
}
FOLDERS = ("tables", "snapshots", "checkpoints", "mlflow-artifacts")


@dataclass(frozen=True)
class Evening:
    """What lay in each folder after a night, and after the maintenance that followed it."""

    night: int
    files: dict[str, int]
    size: dict[str, int]
    freed: int = 0
    seconds: float = 0.0


def main() -> int:
    """Measure, print, write JSON and the table of the page; 1 if nights under maintenance leave too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--nights", type=int, default=100, help="nights with maintenance")
    parser.add_argument("--without", type=int, default=35, help="nights without")
    parser.add_argument("--seconds", type=int, default=SECONDS_A_DAY, help="seconds that stand for a day")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "growth"))
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "growth.json"))
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    args = parser.parse_args()
    if min(args.nights, args.without) < 4 * EVERY:
        parser.error(f"at least {4 * EVERY} nights each")
    configure_logs("ERROR")
    folder = emptied(Path(args.data).resolve())
    kinds = {"without": args.without, "maintained": args.nights}
    evenings: dict[str, list[Evening]] = {}
    for kind, nights in kinds.items():
        write_feed(folder / kind, nights)
        with spark_session(folder / kind, "local[*]", TINY) as spark, short_days(args.seconds):
            evenings[kind] = measure(
                spark, folder / kind, nights, maintains=kind == "maintained", seconds=args.seconds
            )
    result: dict[str, Any] = {
        "machine": machine(),
        "every": EVERY,
        "seconds_a_day": args.seconds,
        "retention": RETENTION,
        "evenings": {kind: [asdict(evening) for evening in those] for kind, those in evenings.items()},
    }
    Path(args.out).write_text(json.dumps(result, indent=1) + "\n")
    text = table(result)
    print(text)
    if args.docs:
        replace_block(PAGES / "speed.md", "growth", text)
    longer = [evening for those in evenings.values() for evening in those if evening.seconds > args.seconds]
    if longer:
        print(f"{len(longer)} nights took over {args.seconds} s: removed files were kept for less than a day")
    files, _ = a_night(result["evenings"]["maintained"])
    return 0 if files <= LIMIT_FILES else 1


def measure(
    spark: SparkSession, folder: Path, nights: int, *, maintains: bool, seconds: int
) -> list[Evening]:
    """Run nights, and a maintenance after every 7th where wanted; return what lay there after each."""
    champion(spark, configuration(folder, "tables"))
    config = with_retention(configuration(folder, "tables"))
    evenings = []
    for number in tqdm(range(1, nights + 1), desc="nights", unit="night"):
        started = time.monotonic()
        store, registry = fresh(spark, config)
        run_night(store, registry, day_of(number))
        freed = 0
        if maintains and number % EVERY == 0:
            lines = maintain(fresh(spark, config)[0])
            freed = int(str(summary(lines, dry_run=False)["bytes_freed"]))
        took = time.monotonic() - started
        time.sleep(max(0.0, seconds - took))
        a_day_passes(folder)
        usages = {name: usage_below(folder / name) for name in FOLDERS}
        evenings.append(
            Evening(
                number,
                {name: usage.files for name, usage in usages.items()},
                {name: usage.size for name, usage in usages.items()},
                freed,
                round(took, 1),
            )
        )
    return evenings


def with_retention(config: Config) -> Config:
    """Return the settings with short retention, a training every Monday and what weekly training needs."""
    retention = config.retention.model_copy(update=RETENTION)
    nightly = config.nightly.model_copy(update={"train": "weekly"})
    promotion = config.promotion.model_copy(update={"min_training_plays": 10**9})  # one model scores all
    update = {"retention": retention, "nightly": nightly, "promotion": promotion}
    return config.model_copy(update=update)


@contextmanager
def short_days(seconds: int) -> Iterator[None]:
    """Let removed data files be kept for so many seconds instead of each day."""
    of_contract = TableContract.properties

    def properties(self: TableContract) -> dict[str, str]:
        kept = f"interval {self.retention_days * seconds} seconds"
        return {**of_contract(self), "delta.deletedFileRetentionDuration": kept}

    TableContract.properties = properties  # type: ignore[method-assign]
    try:
        yield
    finally:
        TableContract.properties = of_contract  # type: ignore[method-assign]


def a_day_passes(folder: Path) -> None:
    """Let every file of tables and trainings be a day older."""
    for name in FOLDERS:
        for above, _, files in os.walk(folder / name):
            for file in files:
                path = os.path.join(above, file)
                moment = os.stat(path).st_mtime - DAY_SECONDS
                os.utime(path, (moment, moment))


def a_night(evenings: list[dict[str, Any]]) -> tuple[float, float]:
    """Return the files and bytes that a night added from the middle to the end, on equal days of the week."""
    last = len(evenings) - len(evenings) % EVERY
    middle = last // 2 - last // 2 % EVERY
    first, second = evenings[middle - 1], evenings[last - 1]
    files, size = (
        (sum(second[name].values()) - sum(first[name].values())) / (last - middle)
        for name in ("files", "size")
    )
    return files, size


def table(result: Mapping[str, Any]) -> str:
    """Return the figures as a Markdown table."""
    rows = []
    names = {
        "without": "without maintenance",
        "maintained": f"`uae maintain` every {result['every']}th night",
    }
    for kind, evenings in result["evenings"].items():
        files, size = a_night(evenings)
        last = evenings[-1]
        rows.append(
            [
                names[kind],
                str(last["night"]),
                f"{sum(last['files'].values()):,}",
                f"{sum(last['size'].values()) / 1e6:.1f}",
                f"{files:.1f}",
                f"{size / 1000:.0f}",
            ]
        )
    header = ("nights", "number", "files in all", "MB in all", "files a night", "kB a night")
    return markdown_table(header, rows)


if __name__ == "__main__":
    sys.exit(main())
