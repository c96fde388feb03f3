"""``python -m benchmarks.estimators``: how well each estimator recovers attention, against the truth."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.__main__ import machine, replace_table
from benchmarks.estimators.cells import Case, measure
from benchmarks.estimators.tables import claims, tables
from benchmarks.estimators.worlds import USERS
from benchmarks.in_processes import in_processes
from benchmarks.measure import ROOT

PLANS = (
    ("estimators", "sticky"),
    ("estimators", "independent"),
    ("main", "waking"),
    ("main", "wrong_roles"),
    ("main", "strong_context"),
    ("main", "weak_context"),
    ("options", "sticky"),
    ("auto", "swapped_roles"),
)
COST_USERS = 14_000
"""Users whose training days hold a million plays."""

MARKERS = ("<!-- bench-estimators:start -->", "<!-- bench-estimators:end -->")


def main() -> int:
    """Measure every case, print, write JSON and the tables of the README; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimators", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="seeds of every world (default 5)")
    parser.add_argument("--users", type=int, default=USERS, help=f"users of a world (default {USERS})")
    parser.add_argument("--processes", type=int, default=2, help="cases at the same time (default 2)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "estimators"))
    parser.add_argument("--resume", action="store_true", help="keep the cases that --data holds already")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "estimators.json"))
    parser.add_argument("--readme", action="store_true", help="also put the tables into README.md")
    args = parser.parse_args()
    folder = Path(args.data)
    folder.mkdir(parents=True, exist_ok=True)
    found = measure_all(cases(args.seeds, args.users), folder, args.processes, resume=args.resume)
    # Alone on the machine: its seconds are a result.
    cost = Case("cost", "sticky", 1, args.users * COST_USERS // USERS)
    found += measure_all([cost], folder, 1, resume=args.resume)
    document = {"machine": machine(), "seeds": args.seeds, "users": args.users, "cases": found}
    Path(args.out).write_text(json.dumps(document, indent=1) + "\n")
    text, checked = tables(found), claims(found)
    print(text)
    for claim in checked:
        print(claim.line(), file=sys.stderr)
    if args.readme:
        replace_table(ROOT / "README.md", text, MARKERS)
    return 0 if all(claim.holds for claim in checked) else 1


def cases(seeds: int, users: int) -> list[Case]:
    """Return what is measured in parallel, the longest cases first."""
    return [Case(plan, world, seed, users) for plan, world in PLANS for seed in range(1, seeds + 1)]


def measure_all(wanted: list[Case], folder: Path, processes: int, *, resume: bool) -> list[dict[str, Any]]:
    """Return the results of the cases, each in a process of its own; every result is kept as a file."""
    results: dict[Case, dict[str, Any]] = {}
    for case in wanted:
        file = folder / f"{case.name}.json"
        if resume and file.exists():
            results[case] = json.loads(file.read_text())
    missing = {case: (case,) for case in wanted if case not in results}
    for case, result in in_processes(measure, missing, processes):
        results[case] = result
        (folder / f"{case.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return [results[case] for case in wanted]


if __name__ == "__main__":
    sys.exit(main())
