"""``python -m benchmarks.crosses``: what user x artist and user x song add to ids, and to the chain."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.arguments import quality_parser
from benchmarks.claims import conclude
from benchmarks.crosses.cases import CrossesCase, measure
from benchmarks.crosses.tables import claims, tables
from benchmarks.crosses.worlds import LAWS, USERS
from benchmarks.in_processes import kept_results

PAGE = "recommenders.md"


def main(arguments: list[str] | None = None) -> int:
    """Measure every case, print, write JSON and the tables of its page; 1 if a claim does not hold."""
    parser = quality_parser("crosses", __doc__, users=USERS, processes=1)
    parser.add_argument(
        "--only", nargs="+", choices=sorted(LAWS), default=["dislikes"], help="worlds (default dislikes)"
    )
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
