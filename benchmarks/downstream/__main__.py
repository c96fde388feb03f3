"""``python -m benchmarks.downstream``: base models x weightings x seeds, judged against true relevance."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.__main__ import machine, replace_table
from benchmarks.downstream.tables import claims, tables
from benchmarks.downstream.worlds import GRIDS, USERS, config_of, laboratory, world_of
from benchmarks.measure import ROOT
from uae_model.evaluation.cells import Cell, CellResult

MARKERS = ("<!-- bench-downstream:start -->", "<!-- bench-downstream:end -->")


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


def main() -> int:
    """Measure every case, print, write JSON and the tables of the README; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.downstream", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(GRIDS), default=list(GRIDS))
    parser.add_argument("--seeds", type=int, help="seeds of every grid (default: the grid's own)")
    parser.add_argument("--users", type=int, default=USERS, help=f"users of a world (default {USERS})")
    parser.add_argument("--processes", type=int, default=2, help="cases at the same time (default 2)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "downstream"))
    parser.add_argument("--resume", action="store_true", help="keep the cases that --data holds already")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "downstream.json"))
    parser.add_argument("--readme", action="store_true", help="also put the tables into README.md")
    args = parser.parse_args()
    cases = [
        Case(grid, seed, args.users)
        for grid in args.only
        for seed in range(1, (args.seeds or GRIDS[grid].seeds) + 1)
    ]
    found = measure_all(cases, Path(args.data), args.processes, resume=args.resume)
    Path(args.out).write_text(json.dumps({"machine": machine(), "cases": found}, indent=1) + "\n")
    results = {grid: results_of(case for case in found if case["grid"] == grid) for grid in args.only}
    text, checked = tables(results), claims(results)
    print(text)
    for claim in checked:
        print(claim.line(), file=sys.stderr)
    if args.readme:
        replace_table(ROOT / "README.md", text, MARKERS)
    return 0 if all(claim.holds for claim in checked) else 1


def measure(case: Case, folder: Path) -> dict[str, Any]:
    """Return the results of a case as JSON values."""
    torch.set_num_threads(1)
    started = time.perf_counter()
    grid = GRIDS[case.grid]
    config = config_of(grid, case.seed)
    lab = laboratory(world_of(case.seed, case.users), config, folder / case.name)
    cells = [Cell(model, weighting, case.seed) for weighting in grid.weightings for model in grid.models]
    results = [lab.run(cell) for cell in cells]
    return {
        **vars(case),
        "plays": len(lab.plays),
        "seconds": time.perf_counter() - started,
        "cells": [{**vars(found.cell), "metrics": dict(found.metrics)} for found in results],
    }


def measure_all(wanted: list[Case], folder: Path, processes: int, *, resume: bool) -> list[dict[str, Any]]:
    """Return the results of the cases, each in a process of its own; every result is kept as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[Case, dict[str, Any]] = {}
    for case in wanted:
        file = folder / f"{case.name}.json"
        if resume and file.exists():
            results[case] = json.loads(file.read_text())
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, max_tasks_per_child=1) as pool:
        running = {pool.submit(measure, case, folder): case for case in wanted if case not in results}
        for future in tqdm(as_completed(running), total=len(running), desc="cases", unit="case"):
            case = running[future]
            results[case] = future.result()
            (folder / f"{case.name}.json").write_text(json.dumps(results[case], indent=1) + "\n")
    return [results[case] for case in wanted]


def results_of(cases: Iterable[dict[str, Any]]) -> list[CellResult]:
    """Return the cells of some cases."""
    return [
        CellResult(Cell(cell["model"], cell["weighting"], cell["seed"]), cell["metrics"])
        for case in cases
        for cell in case["cells"]
    ]


if __name__ == "__main__":
    sys.exit(main())
