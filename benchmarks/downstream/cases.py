"""One case of the benchmark: what all grids want to know of one world, computed once."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.downstream.worlds import Grid, config_of, trial_runner, world_of
from uae_model.evaluation.grid import run_grid
from uae_model.evaluation.trials import Trial, TrialResult


@dataclass(frozen=True)
class DownstreamCase:
    """What one process measures: the world of one law and seed, under the settings of one profile."""

    profile: str
    liking_effect: float
    seed: int
    users: int

    @classmethod
    def of(cls, grid: Grid, seed: int, users: int) -> DownstreamCase:
        """Return the case in which a grid's trials of a seed are computed."""
        return cls(grid.profile, grid.liking_effect, seed, users)

    @property
    def name(self) -> str:
        """A name for files and the progress bar."""
        return f"{self.profile}-{self.liking_effect:g}-{self.seed}-{self.users}"


class TrialFiles:
    """Finished trials as lines of a file, so that a killed benchmark goes on where it stopped."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def known(self) -> dict[str, dict[str, float]]:
        """Return the metrics of every finished trial by its key; a half-written last line is none."""
        if not self._file.exists():
            return {}
        lines = [line for line in self._file.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return {finished["key"]: finished["metrics"] for finished in map(json.loads, lines)}

    def save(self, key: str, result: TrialResult) -> None:
        """Append a trial."""
        with self._file.open("a") as file:
            file.write(json.dumps({"key": key, "metrics": dict(result.metrics)}) + "\n")


def measure(case: DownstreamCase, trials: tuple[Trial, ...], folder: Path) -> dict[str, Any]:
    """Return the results of a case's trials as JSON values."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    place = folder / case.name
    world = world_of(case.liking_effect, case.seed, case.users)
    runner = trial_runner(world, config_of(case.profile, case.seed), place)
    results = run_grid(runner, trials, TrialFiles(place / "cells.jsonl"))
    return {
        **vars(case),
        "plays": len(runner.plays),
        "seconds": time.perf_counter() - started,
        "cells": [{**vars(result.trial), "metrics": _without_parts(result)} for result in results],
    }


def _without_parts(result: TrialResult) -> dict[str, float]:
    """Return the metrics but those of parts of the users: intervals here are over worlds."""
    return {name: value for name, value in result.metrics.items() if not name.startswith("user_parts.")}
