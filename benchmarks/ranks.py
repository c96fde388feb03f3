"""Epochs of training: two gloo ranks on this machine against one, by the launcher of ``uae train``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import Run, timed
from benchmarks.workspace import (
    benchmark_config,
    emptied,
    made_once,
    make_snapshot,
    snapshot_of,
    spark_session,
)
from uae_model.training.job import TrainingJob
from uae_model.training.launch import run_training

USERS = 20_000
EPOCHS = 2


def prepare(folder: Path, scale: float) -> dict[str, Any]:
    """Write the snapshot once."""
    users = max(100, int(USERS * scale))
    made_once(folder / "input", lambda place: make_snapshot(place, users, max(20, users // 100)))
    train = snapshot_of(folder / "input").train
    return {"sessions": train.sessions, "plays": train.plays, "epochs": EPOCHS}


def run(folder: Path, processes: int) -> Run:
    """Train; the start of the ranks is timed, that of Spark is not."""
    config, manifest = benchmark_config(folder), snapshot_of(folder / "input")
    settings = config.training.model_copy(update={"processes": processes, "epochs": EPOCHS})
    checkpoints = emptied(folder / f"checkpoints-{processes}")
    job = TrainingJob(manifest.root, config.network, settings, str(checkpoints))
    with spark_session(folder, "local[1]"), timed() as measured:
        result = run_training(job)
        measured.units = EPOCHS * manifest.train.plays
    (folder / f"history-{processes}.json").write_text(json.dumps(result.history))
    return measured


PEERS: dict[str, Callable[[Path], Run]] = {
    "two": partial(run, processes=2),
    "one": partial(run, processes=1),
}


def compare(folder: Path) -> dict[str, Any]:
    """Both trained every epoch to numbers. The losses differ: two ranks make other batches than one."""
    two, one = (json.loads((folder / f"history-{processes}.json").read_text()) for processes in (2, 1))
    finite = all(math.isfinite(value) for epoch in (*two, *one) for value in epoch.values())
    return {"agree": finite and len(two) == len(one) == EPOCHS, "two": two[-1], "one": one[-1]}
