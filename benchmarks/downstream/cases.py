"""One case of the benchmark: all cells of a grid in the world of one seed."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.downstream.worlds import GRIDS, config_of, laboratory, world_of
from uae_model.evaluation.cells import Cell, CellResult
from uae_model.evaluation.grid import run_grid


@dataclass(frozen=True)
class Case:
    """What one process measures: a grid in the world of one seed."""

    grid: str
    seed: int
    users: int

    @property
    def name(self) -> str:
        """A name for files and the progress bar."""
        return f"{self.grid}-{self.seed}-{self.users}"


class CellFiles:
    """Finished cells as lines of a file, so that a killed benchmark goes on where it stopped."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def known(self) -> dict[str, dict[str, float]]:
        """Return the metrics of every finished cell by its key; a half-written last line is none."""
        if not self._file.exists():
            return {}
        lines = [line for line in self._file.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return {found["key"]: found["metrics"] for found in map(json.loads, lines)}

    def save(self, key: str, result: CellResult) -> None:
        """Append a cell."""
        with self._file.open("a") as file:
            file.write(json.dumps({"key": key, "metrics": dict(result.metrics)}) + "\n")


def measure(case: Case, models: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Return the results of a case as JSON values."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    grid = GRIDS[case.grid]
    place = folder / case.name
    lab = laboratory(world_of(grid, case.seed, case.users), config_of(grid, case.seed), place)
    cells = [Cell(model, weighting, case.seed) for model in models for weighting in grid.weightings]
    results = run_grid(lab, cells, CellFiles(place / "cells.jsonl"))
    return {
        **vars(case),
        "plays": len(lab.plays),
        "seconds": time.perf_counter() - started,
        "cells": [{**vars(found.cell), "metrics": dict(found.metrics)} for found in results],
    }
