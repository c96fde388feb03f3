"""``python -m benchmarks.downstream``: base models x weightings x seeds, judged against true relevance."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.__main__ import machine, replace_table
from benchmarks.downstream.cases import Case, measure
from benchmarks.downstream.tables import claims, tables
from benchmarks.downstream.worlds import GRIDS, USERS
from benchmarks.in_processes import in_processes
from benchmarks.measure import ROOT
from uae_model.evaluation.cells import Cell, CellResult

MARKERS = ("<!-- bench-downstream:start -->", "<!-- bench-downstream:end -->")


def main() -> int:
    """Measure every case, print, write JSON and the tables of the README; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.downstream", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(GRIDS), default=list(GRIDS))
    parser.add_argument("--seeds", type=int, help="seeds of every grid (default: the grid's own)")
    parser.add_argument("--users", type=int, default=USERS, help=f"users of a world (default {USERS})")
    parser.add_argument("--processes", type=int, default=2, help="cases at the same time (default 2)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "downstream"))
    parser.add_argument("--models", nargs="+", help="base models (default: the grid's)")
    parser.add_argument("--resume", action="store_true", help="keep the cells that --data holds already")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "downstream.json"))
    parser.add_argument("--readme", action="store_true", help="also put the tables into README.md")
    args = parser.parse_args()
    wanted = {
        Case(grid, seed, args.users): tuple(
            m for m in GRIDS[grid].models if m in (args.models or GRIDS[grid].models)
        )
        for grid in args.only
        for seed in range(1, (args.seeds or GRIDS[grid].seeds) + 1)
    }
    if not args.resume:
        for case in wanted:
            shutil.rmtree(Path(args.data) / case.name, ignore_errors=True)
    found = measure_all(wanted, Path(args.data), args.processes)
    Path(args.out).write_text(json.dumps({"machine": machine(), "cases": found}, indent=1) + "\n")
    results = {grid: results_of(case for case in found if case["grid"] == grid) for grid in args.only}
    text, checked = tables(results), claims(results)
    print(text)
    for claim in checked:
        print(claim.line(), file=sys.stderr)
    if args.readme:
        replace_table(ROOT / "README.md", text, MARKERS)
    return 0 if all(claim.holds for claim in checked) else 1


def measure_all(wanted: dict[Case, tuple[str, ...]], folder: Path, processes: int) -> list[dict[str, Any]]:
    """Return the results of the cases (with their base models), each in a process of its own."""
    calls = {case: (case, models, folder) for case, models in wanted.items()}
    done = dict(in_processes(measure, calls, processes))
    return [done[case] for case in wanted]


def results_of(cases: Iterable[dict[str, Any]]) -> list[CellResult]:
    """Return the cells of some cases."""
    return [
        CellResult(Cell(cell["model"], cell["weighting"], cell["seed"]), cell["metrics"])
        for case in cases
        for cell in case["cells"]
    ]


if __name__ == "__main__":
    sys.exit(main())
