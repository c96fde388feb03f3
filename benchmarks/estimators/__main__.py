"""``python -m benchmarks.estimators``: how well each estimator recovers attention, against the truth.

The whole takes hours. It can be run in parts, whose results are kept one by one in ``--data``:

    python -m benchmarks.estimators --worlds sticky,accidental --sizes 75k --seeds 1,2 --resume
    python -m benchmarks.estimators --kept     measures nothing: tables and claims of what is kept

Which worlds, size and seeds are for tuning, ``benchmarks.estimators.worlds`` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from benchmarks.arguments import measuring_parser
from benchmarks.claims import conclude
from benchmarks.estimators.claims import claims
from benchmarks.estimators.tables import tables
from benchmarks.estimators.trials import PLANS, EstimatorCase, measure
from benchmarks.estimators.worlds import FIRST_JUDGE, SETTINGS, SIZES
from benchmarks.in_processes import kept_results

Part = tuple[str, str, str]

KINDS = ("sticky", "independent", "accidental", "absences", "boredom", "users_differ", "long_sessions")
MISSPECIFIED = ("waking", "wrong_roles")
OTHER_VALUES = (
    *("half_sticky", "stickier", "strong_context", "study_baselines", "weak_context", "dislikes_provoke"),
    *("independent_dislikes", "accidental_few", "absences_long", "boredom_mild"),
    *("users_differ_independent", "long_sessions_rare"),
)
"""Worlds of the same kinds with other parameters."""

PARTS: tuple[Part, ...] = (
    ("options", "sticky", "260k"),
    *(("main", world, "260k") for world in (*KINDS, *MISSPECIFIED)),
    ("auto", "swapped_roles", "260k"),
    ("estimators", "sticky", "75k"),
    ("estimators", "independent", "75k"),
    *(("main", world, "75k") for world in (*KINDS[2:], *MISSPECIFIED, *OTHER_VALUES)),
    ("cost", "sticky", "1m"),
)
"""Plan, world and size of what is measured, the longest cases first."""

SEEDS = tuple(range(FIRST_JUDGE, FIRST_JUDGE + 5))
PAGE = "attention.md"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the cases, print, write JSON and the tables of the page; 1 if a claim does not hold."""
    parser = _parser()
    args = parser.parse_args(argv)
    wanted = cases(args.plans, args.worlds, args.sizes, args.seeds)
    whole = cases(PLANS, SETTINGS, SIZES, SEEDS) == wanted
    folder = Path(args.data)
    if args.kept:
        wanted = [case for case in wanted if (folder / f"{case.name}.json").exists()]
    if not wanted:
        parser.error(f"nothing to measure: no such plan, world, size and seed{' in --data' * args.kept}")
    if args.docs and not (whole or args.kept):
        parser.error("--docs wants the whole benchmark, or --kept")
    # Cost alone on the machine: its seconds are a result.
    together = [case for case in wanted if case.plan != "cost"]
    alone = [case for case in wanted if case.plan == "cost"]
    results = [
        result
        for some, processes in ((together, args.processes), (alone, 1))
        for result in kept_results(
            measure, {case: (case,) for case in some}, folder, processes, resume=args.resume or args.kept
        )
    ]
    out = args.out if whole or args.out != parser.get_default("out") else str(folder / "part.json")
    return conclude({"cases": results}, out, tables(results), claims(results), PAGE if args.docs else None)


def cases(
    plans: Collection[str], worlds: Collection[str], sizes: Collection[str], seeds: Sequence[int]
) -> list[EstimatorCase]:
    """Return the cases of ``PARTS`` with these plans, worlds and sizes; the cost is measured on one seed."""
    return [
        EstimatorCase(plan, world, size, seed)
        for plan, world, size in PARTS
        if plan in plans and world in worlds and size in sizes
        for seed in (seeds[:1] if plan == "cost" else seeds)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = measuring_parser("estimators", __doc__, processes=2)
    for name, known in (("worlds", SETTINGS), ("sizes", SIZES), ("plans", PLANS)):
        parser.add_argument(
            f"--{name}",
            type=_some_of(tuple(known)),
            default=tuple(known),
            metavar="A,B",
            help=f"only these, of {', '.join(known)} (default: all)",
        )
    parser.add_argument(
        "--seeds",
        type=_seeds,
        default=SEEDS,
        metavar="A,B",
        help=f"of every world (default {SEEDS[0]} to {SEEDS[-1]}; below {FIRST_JUDGE} they are for tuning)",
    )
    parser.add_argument("--kept", action="store_true", help="measure nothing: only what --data holds")
    return parser


def _some_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def names(text: str) -> tuple[str, ...]:
        wanted = tuple(text.split(","))
        unknown = sorted(set(wanted) - set(known))
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return wanted

    return names


def _seeds(text: str) -> tuple[int, ...]:
    if not all(part.isdecimal() for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text}: must be numbers with commas between them")
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
