"""``python -m benchmarks.downstream``: base models x weightings x seeds, judged against true relevance."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.arguments import quality_parser
from benchmarks.claims import conclude
from benchmarks.downstream.cases import DownstreamCase, measure
from benchmarks.downstream.tables import claims, tables
from benchmarks.downstream.worlds import GRIDS, USERS
from benchmarks.in_processes import in_processes
from uae_model.evaluation.trials import Trial, TrialResult

PAGE = "recommenders.md"


def main() -> int:
    """Measure every case, print, write JSON and the tables of its page; 1 if a claim does not hold."""
    parser = quality_parser("downstream", __doc__, users=USERS, processes=2, seeds=None)
    parser.add_argument("--only", nargs="+", choices=sorted(GRIDS), default=list(GRIDS))
    args = parser.parse_args()
    asked = {
        name: {
            DownstreamCase.of(GRIDS[name], seed, args.users): GRIDS[name].trials(seed)
            for seed in range(1, (args.seeds or GRIDS[name].seeds) + 1)
        }
        for name in args.only
    }
    measured = measure_all(merged(asked.values()), Path(args.data), args.processes, resume=args.resume)
    results = {name: results_of(measured, trials) for name, trials in asked.items()}
    content = {"cases": list(measured.values())}
    return conclude(content, args.out, tables(results), claims(results), PAGE if args.docs else None)


def merged(
    grids: Iterable[Mapping[DownstreamCase, Sequence[Trial]]],
) -> dict[DownstreamCase, tuple[Trial, ...]]:
    """Return the trials of every case, each once however many grids show it."""
    wanted: dict[DownstreamCase, dict[Trial, None]] = {}
    for grid in grids:
        for case, trials in grid.items():
            wanted.setdefault(case, {}).update(dict.fromkeys(trials))
    return {case: tuple(trials) for case, trials in wanted.items()}


def measure_all(
    wanted: Mapping[DownstreamCase, tuple[Trial, ...]], folder: Path, processes: int, *, resume: bool
) -> dict[DownstreamCase, dict[str, Any]]:
    """Return the results of the cases, each computed in a process of its own."""
    if not resume:
        for case in wanted:
            shutil.rmtree(folder / case.name, ignore_errors=True)
    return dict(
        in_processes(measure, {case: (case, trials, folder) for case, trials in wanted.items()}, processes)
    )


def results_of(
    measured: Mapping[DownstreamCase, dict[str, Any]], trials: Mapping[DownstreamCase, Sequence[Trial]]
) -> list[TrialResult]:
    """Return a grid's trials from the results of its cases."""
    results = []
    for case, wanted in trials.items():
        known = {(trial["model"], trial["weighting"]): trial["metrics"] for trial in measured[case]["cells"]}
        results += [TrialResult(trial, known[trial.model, trial.weighting]) for trial in wanted]
    return results


if __name__ == "__main__":
    sys.exit(main())
