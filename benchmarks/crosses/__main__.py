"""``python -m benchmarks.crosses``: what user x artist and user x song add to ids, and to the chain."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.__main__ import machine, replace_table
from benchmarks.crosses.cases import Case, measure
from benchmarks.crosses.tables import claims, tables
from benchmarks.crosses.worlds import LAWS, USERS
from benchmarks.in_processes import in_processes
from benchmarks.measure import ROOT

MARKERS = ("<!-- bench-crosses:start -->", "<!-- bench-crosses:end -->")


def main(arguments: list[str] | None = None) -> int:
    """Measure every case, print, write JSON and the tables of the README; 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crosses", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=sorted(LAWS), default=["dislikes"], help="worlds (default dislikes)"
    )
    parser.add_argument("--seeds", type=int, default=5, help="seeds of every world (default 5)")
    parser.add_argument("--users", type=int, default=USERS, help=f"users of a world (default {USERS})")
    parser.add_argument("--processes", type=int, default=1, help="cases at the same time (default 1)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "crosses"))
    parser.add_argument("--resume", action="store_true", help="keep the cases that --data holds already")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "crosses.json"))
    parser.add_argument("--readme", action="store_true", help="also put the tables into README.md")
    args = parser.parse_args(arguments)
    wanted = [Case(law, seed, args.users) for law in args.only for seed in range(1, args.seeds + 1)]
    found = measure_all(wanted, Path(args.data).resolve(), args.processes, resume=args.resume)
    document = {"machine": machine(), "seeds": args.seeds, "users": args.users, "cases": found}
    Path(args.out).write_text(json.dumps(document, indent=1) + "\n")
    text, checked = tables(found), claims(found)
    print(text)
    for claim in checked:
        print(claim.line(), file=sys.stderr)
    if args.readme:
        replace_table(ROOT / "README.md", text, MARKERS)
    return 0 if all(claim.holds for claim in checked) else 1


def measure_all(wanted: list[Case], folder: Path, processes: int, *, resume: bool) -> list[dict[str, Any]]:
    """Return the results of the cases, each in a process of its own; every result is kept as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[Case, dict[str, Any]] = {}
    for case in wanted:
        file = folder / f"{case.name}.json"
        if resume and file.exists():
            results[case] = json.loads(file.read_text())
        elif not resume:
            file.unlink(missing_ok=True)
            shutil.rmtree(folder / case.name, ignore_errors=True)
    missing = {case: (case, folder) for case in wanted if case not in results}
    for case, result in in_processes(measure, missing, processes):
        results[case] = result
        (folder / f"{case.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return [results[case] for case in wanted]


if __name__ == "__main__":
    sys.exit(main())
