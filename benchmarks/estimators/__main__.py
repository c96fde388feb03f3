"""``python -m benchmarks.estimators``: how well each estimator recovers attention, against the truth."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.arguments import quality_parser
from benchmarks.claims import conclude
from benchmarks.estimators.tables import claims, tables
from benchmarks.estimators.trials import EstimatorCase, measure
from benchmarks.in_processes import kept_results

PLANS = (
    ("estimators", "sticky"),
    ("estimators", "independent"),
    ("main", "waking"),
    ("main", "wrong_roles"),
    ("main", "strong_context"),
    ("main", "study_baselines"),
    ("main", "weak_context"),
    ("options", "sticky"),
    ("auto", "swapped_roles"),
)
PAGE = "attention.md"


def main() -> int:
    """Measure every case, print, write JSON and the tables of its page; 1 if a claim does not hold."""
    parser = quality_parser("estimators", __doc__, users=None, processes=2)
    args = parser.parse_args()
    folder = Path(args.data)
    # The cost alone on the machine: its seconds are a result.
    cost = EstimatorCase("cost", "sticky", "1m", 1)
    results = [
        result
        for wanted, processes in ((cases(args.seeds), args.processes), ([cost], 1))
        for result in kept_results(
            measure, {case: (case,) for case in wanted}, folder, processes, resume=args.resume
        )
    ]
    content = {"seeds": args.seeds, "cases": results}
    return conclude(content, args.out, tables(results), claims(results), PAGE if args.docs else None)


def cases(seeds: int) -> list[EstimatorCase]:
    """Return what is measured in parallel, the longest cases first."""
    return [EstimatorCase(plan, world, "260k", seed) for plan, world in PLANS for seed in range(1, seeds + 1)]


if __name__ == "__main__":
    sys.exit(main())
