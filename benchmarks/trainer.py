"""``python -m benchmarks.trainer``: what binds training on this machine.

One rank with one thread, one rank with a thread for each core, and two ranks train the same epochs. Sessions
a second and the share of the time that was waited for data are those of the last epoch, when all is warm.
Beside them stands what the machine gives: the same steps on batches in memory, in one process and in two at
once that know nothing of each other, and the sessions a second that matrix products alone would allow.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.claims import Claim, conclude
from benchmarks.measure import ROOT
from benchmarks.ranks import prepare
from benchmarks.workspace import benchmark_config, emptied, snapshot_of, spark_session
from uae_model.config import Config
from uae_model.pages.markdown import markdown_table

CORES = os.cpu_count() or 1
WAYS = {
    "one rank, one thread": (1, 1),
    "one rank, a thread a core": (1, CORES),
    "two ranks, one thread each": (2, 1),
}
"""Ranks, and threads of each."""

EPOCHS = 3
KEPT_BATCHES = 100
STEP_SECONDS = 10.0
"""How long steps are taken on batches in memory, and matrices multiplied."""

LARGEST_WAIT, LEAST_GAIN, NEAR_LIMIT = 0.05, 1.7, 0.9
ESTIMATOR = {"estimator": "chain", "stickiness": (0.4,)}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON and the table of the page; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trainer", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of 20,000 users (default 1)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each (default 3)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "trainer"), type=Path)
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "trainer.json"))
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.part:
        way, result = args.part
        told = train(args.data, way) if way in WAYS else bare_steps(args.data)
        Path(result).write_text(json.dumps(told))
        return 0
    args.data.mkdir(parents=True, exist_ok=True)
    size = prepare(args.data, args.scale)
    runs = [_repeat(args.data) for _ in tqdm(range(args.repeats), unit="repeat")]
    results = {name: _median([run[name] for run in runs]) for name in runs[0]}
    content = {"size": size, "runs": runs, "results": results}
    page = "speed.md" if args.docs else None
    return conclude(content, args.out, {"trainer": table(results)}, claims(results), page)


def _repeat(folder: Path) -> dict[str, dict[str, float]]:
    told = {way: _in_children(folder, way, threads, 1)[0] for way, (_, threads) in WAYS.items()}
    (alone,) = _in_children(folder, "bare", 1, 1)
    beside = _in_children(folder, "bare", 1, 2)
    both = {name: sum(each[name] for each in beside) for name in alone}
    return {**told, "bare steps, one process": alone, "bare steps, two at once": both}


def _in_children(folder: Path, part: str, threads: int, processes: int) -> list[dict[str, float]]:
    """Run a part in so many processes at once."""
    with tempfile.TemporaryDirectory() as scratch:
        results = [Path(scratch) / f"{number}.json" for number in range(processes)]
        command = [sys.executable, "-m", "benchmarks.trainer", "--data", str(folder), "--part", part]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "SPARK_LOCAL_IP": "127.0.0.1"}
        children = [
            subprocess.Popen([*command, str(result)], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
            for result in results
        ]
        said = [child.communicate()[1] for child in children]
        for child, errors in zip(children, said, strict=True):
            if child.returncode:
                raise RuntimeError(f"{part} failed with code {child.returncode}:\n{errors.decode()[-2000:]}")
        return [json.loads(result.read_text()) for result in results]


def train(folder: Path, way: str) -> dict[str, float]:
    """Train by the launcher of ``uae train``; return the speed of the last epoch."""
    from uae_model.training.job import TrainingJob
    from uae_model.training.launch import run_training

    ranks, _ = WAYS[way]
    config, manifest = benchmark_config(folder), snapshot_of(folder / "input")
    settings = _settings(config, processes=ranks)
    checkpoints = emptied(folder / f"checkpoints-{ranks}")
    speeds = _Speeds()
    logging.getLogger("uae").addHandler(speeds)
    logging.getLogger("uae").setLevel("INFO")
    with spark_session(folder, "local[1]"):
        run_training(TrainingJob(manifest.root, config.network, settings, str(checkpoints)))
    return speeds.last


class _Speeds(logging.Handler):
    """Takes what the log says of the speed of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the newest."""
        self.last = getattr(record, "fields", {}).get("speed", self.last)


def bare_steps(folder: Path) -> dict[str, float]:
    """Take steps on batches in memory, and multiply matrices as large as a step's.

    Returns:
        ``sessions_per_second`` of the steps, and ``matmul_limit``: those for whose matrix products the
        machine needs a second where it does nothing else.
    """
    from torch.utils.flop_counter import FlopCounterMode

    from uae_model.models.process_group import ProcessGroup
    from uae_model.training.candidates import candidates_of
    from uae_model.training.fit import CandidateFit, RankData
    from uae_model.training.job import TrainingJob
    from uae_model.training.reporting import SilentReporter

    config, manifest = benchmark_config(folder), snapshot_of(folder / "input")
    settings, group = _settings(config, processes=1), ProcessGroup()
    with tempfile.TemporaryDirectory() as checkpoints:
        data = RankData(manifest, TrainingJob(manifest.root, config.network, settings, checkpoints), group)
        candidate = candidates_of(settings)[0]
        estimator = CandidateFit(candidate, data, SilentReporter(), "", active_rate=0.1).estimator
        batches = list(islice(data.batches(manifest.train, seed=1, shuffle=True), KEPT_BATCHES))
    with FlopCounterMode(display=False) as counter:
        for batch in batches:
            estimator.train_step(batch, group)
    sessions = sum(batch.sessions for batch in batches)
    began, trained = time.perf_counter(), 0
    while time.perf_counter() - began < STEP_SECONDS:
        for batch in batches:
            estimator.train_step(batch, group)
            trained += batch.sessions
    rate = trained / (time.perf_counter() - began)
    flops_of_session = counter.get_total_flops() / sessions
    limit = _multiplications(config.network.hidden, settings.batch_plays) / flops_of_session
    return {"sessions_per_second": rate, "matmul_limit": limit}


def _multiplications(hidden: int, rows: int) -> float:
    """Return the floating point operations a second of products as GRU1 has them, a whole batch at once."""
    import torch

    states, weights = torch.randn(rows, hidden), torch.randn(hidden, 3 * hidden)
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < STEP_SECONDS:
        for _ in range(KEPT_BATCHES):
            torch.mm(states, weights)
        done += KEPT_BATCHES
    return 2.0 * rows * hidden * 3 * hidden * done / (time.perf_counter() - began)


def _settings(config: Config, processes: int) -> Any:
    return config.training.model_copy(update={**ESTIMATOR, "epochs": EPOCHS, "processes": processes})


def _median(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def table(results: Mapping[str, Mapping[str, float]]) -> str:
    """Return the speeds as a Markdown table."""
    rows = []
    for name, result in results.items():
        waited = f"{result['data_wait']:.1%}" if "data_wait" in result else ""
        limit = f"{result['matmul_limit']:,.0f}" if "matmul_limit" in result else ""
        rows.append([name, f"{result['sessions_per_second']:,.0f}", waited, limit])
    header = ("training", "sessions a second", "waited for data", "matrix products alone would allow")
    return markdown_table(header, rows)


def claims(results: Mapping[str, Mapping[str, float]]) -> list[Claim]:
    """Return what training is held to."""
    one, _, two = (results[way] for way in WAYS)
    alone, both = (results[f"bare steps, {how}"] for how in ("one process", "two at once"))
    waits = max(results[way]["data_wait"] for way in WAYS)
    gain = two["sessions_per_second"] / one["sessions_per_second"]
    machine = both["sessions_per_second"] / alone["sessions_per_second"]
    return [
        Claim(f"the wait for data is below {LARGEST_WAIT:.0%}", f"{waits:.1%}", waits < LARGEST_WAIT),
        Claim(
            f"two ranks are at least {LEAST_GAIN} times one, or {NEAR_LIMIT} of what two processes gain that "
            "share nothing",
            f"{gain:.2f} times; two such processes {machine:.2f} times",
            gain >= min(LEAST_GAIN, NEAR_LIMIT * machine),
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
