"""``python -m benchmarks.reader_join``: what weights would cost as a key and a number beside the plays.

A row of ``weights`` holds the whole play, so a reader joins nothing. Here the scores of a day are written
both ways, and read both ways: whole rows, or narrow ones joined to the plays by ``event_id``, by Spark and by
Polars, which read what a recommender trains on. One core; two sizes; a play more is the difference of CPU
seconds by that of plays.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from pyspark.sql import DataFrame, SparkSession
from tqdm import tqdm

from benchmarks import scoring
from benchmarks.claims import Claim, conclude
from benchmarks.events import DAY
from benchmarks.margin import MICROSECOND
from benchmarks.measure import ROOT, Run, measured, run_child, timed
from benchmarks.scoring import untrained_networks
from benchmarks.workspace import benchmark_config, count_rows, emptied, spark_session
from uae_model.config import Config
from uae_model.pages.markdown import markdown_table
from uae_model.scoring.udf import score_plays, serialise
from uae_model.weights.resolution import resolve_weight_function

NAME = "reader_join"
SCALES = (0.5, 1.5)
WIDE, NARROW = "whole rows", "narrow rows"
FORMS = (WIDE, NARROW)
KEY = "event_id"
SCORES = ("attention", "propensity", "sample_weight", "weighting")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON and the table of the page; 1 if whole rows do not pay after one reading."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reader_join", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each kind and size (default 3)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data"), help="folder for inputs")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "reader_join.json"))
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    args = parser.parse_args(argv)
    data = Path(args.data).resolve()
    folders = {scale: data / f"{NAME}-{scale:g}" for scale in SCALES}
    for scale, folder in folders.items():
        folder.mkdir(parents=True, exist_ok=True)
        run_child(NAME, "prepare", folder, scale)
    costs: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for _ in tqdm(range(args.repeats), unit=" repeats"):
        for peer, of_peer in costs.items():
            small, large = (measured(NAME, peer, folder, scale, 0) for scale, folder in folders.items())
            of_peer.append((large.cpu_seconds - small.cpu_seconds) / (large.units - small.units))
    page = "speed.md" if args.docs else None
    return conclude({"costs": costs}, args.out, {"reader join": table(costs)}, claims(costs), page)


def prepare(folder: Path, scale: float) -> dict[str, Any]:
    """Write the plays once, as the benchmark of scoring does."""
    return scoring.prepare(folder, scale)


def write(folder: Path, form: str) -> Run:
    """Score the day and write it in one of the forms."""
    config, output = benchmark_config(folder / "input"), emptied(folder / form)
    with spark_session(folder, "local[1]") as spark:
        plays = _plays(spark, folder)
        count = plays.count()
        scored = _scored(plays, config, count)
        rows = scored if form == WIDE else scored.select(KEY, *SCORES)
        rows.limit(1).write.format("noop").mode("overwrite").save()  # starts Python, loads the networks
        with timed() as run:
            rows.write.parquet(str(output))
        run.units = count
    return run


def read_by_spark(folder: Path, form: str) -> Run:
    """Read what a recommender trains on, to nowhere."""
    columns = _columns(benchmark_config(folder))
    with spark_session(folder, "local[1]") as spark, timed() as run:
        if form == WIDE:
            rows = spark.read.parquet(str(folder / WIDE))
        else:
            rows = _plays(spark, folder).join(spark.read.parquet(str(folder / NARROW)), KEY)
        rows.select(columns).write.format("noop").mode("overwrite").save()
        run.units = count_rows(f"{folder / form}/*.parquet")
    return run


def read_by_polars(folder: Path, form: str) -> Run:
    """Read what a recommender trains on, into memory."""
    columns = _columns(benchmark_config(folder))
    with timed() as run:
        rows = pl.scan_parquet(f"{folder / form}/*.parquet")
        if form == NARROW:
            rows = pl.scan_parquet(f"{_play_files(folder)}/*.parquet").join(rows, KEY)
        run.units = rows.select(columns).collect().height
    return run


PEERS: dict[str, Callable[[Path], Run]] = {
    f"{name}, {form}": partial(action, form=form)
    for name, action in (
        ("score and write", write),
        ("read by Spark", read_by_spark),
        ("read by Polars", read_by_polars),
    )
    for form in FORMS
}


def table(costs: Mapping[str, Sequence[float]]) -> str:
    """Return the cost of a play more in both forms as a Markdown table."""
    rows = []
    for name in dict.fromkeys(peer.split(",")[0] for peer in costs):
        whole, narrow = (_median(costs, name, form) for form in FORMS)
        rows.append([name, *(f"{cost / MICROSECOND:.1f} µs" for cost in (whole, narrow))])
    return markdown_table(("a play more", WIDE, f"{NARROW}, joined"), rows)


def claims(costs: Mapping[str, Sequence[float]]) -> list[Claim]:
    """Return that Spark's join costs more than the writing that it would spare."""
    spared, asked = (
        (_median(costs, name, one) - _median(costs, name, other)) / MICROSECOND
        for name, one, other in (("score and write", WIDE, NARROW), ("read by Spark", NARROW, WIDE))
    )
    text = "narrow rows cost a reader on Spark more than they spare the night"
    return [Claim(text, f"{asked:.1f} µs against {spared:.1f}", asked > spared)]


def _median(costs: Mapping[str, Sequence[float]], name: str, form: str) -> float:
    return statistics.median(costs[f"{name}, {form}"])


def _columns(config: Config) -> list[str]:
    read = ("user_id", "song_id", *(feature.column for feature in config.features), "sample_weight")
    return list(dict.fromkeys(read))  # users and songs are features, too


def _play_files(folder: Path) -> Path:
    return folder / "input" / "tables" / "plays" / f"dt={DAY.isoformat()}"


def _plays(spark: SparkSession, folder: Path) -> DataFrame:
    return spark.read.parquet(str(_play_files(folder)))


def _scored(plays: DataFrame, config: Config, count: int) -> DataFrame:
    pair = untrained_networks(config)
    networks = plays.sparkSession.sparkContext.broadcast(serialise(pair.to_state()))
    weighting = resolve_weight_function(config.weights, pair.traits, pair.calibration)
    return score_plays(plays, networks, weighting, config, count, in_order=True)


if __name__ == "__main__":
    sys.exit(main())
