"""``python -m benchmarks.crosses``: what user x artist and user x song add to ids, and to the chain."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from benchmarks.claims import conclude
from benchmarks.crosses.cases import CrossesCase, measure
from benchmarks.crosses.tables import claims, tables
from benchmarks.crosses.worlds import LAWS, USERS
from benchmarks.in_processes import kept_results
from benchmarks.measure import ROOT

PAGE = "recommenders.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure every case, print, write JSON and the tables of its page; 1 if a claim does not hold."""
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
    parser.add_argument("--docs", action="store_true", help="also put the tables into docs/benchmarks")
    args = parser.parse_args(arguments)
    wanted = [CrossesCase(law, seed, args.users) for law in args.only for seed in range(1, args.seeds + 1)]
    folder = Path(args.data).resolve()
    if not args.resume:
        for case in wanted:
            shutil.rmtree(folder / case.name, ignore_errors=True)
    calls = {case: (case, folder) for case in wanted}
    results = kept_results(measure, calls, folder, args.processes, resume=args.resume)
    content = {"seeds": args.seeds, "users": args.users, "cases": results}
    return conclude(content, args.out, tables(results), claims(results), PAGE if args.docs else None)


if __name__ == "__main__":
    sys.exit(main())
