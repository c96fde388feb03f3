"""Job: base models trained on each weighting and judged; goes on where it stopped, ends with tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.evaluate import evaluate as evaluate_days


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    example = (
        "uae evaluate --config demo/uae.toml --date 2026-01-13 --set 'evaluation.models=[\"FM\"]' "
        "--set evaluation.seeds=[1]"
    )
    parser = job_parser("evaluate", __doc__, example)
    add_day(
        parser, "last test day; validation and training days (training.window_days) precede the test days"
    )
    return run(parser, argv, evaluate)


def evaluate(args: argparse.Namespace) -> None:
    """Compute the missing trials and write the tables."""
    day = parse_day(args.date)
    job = start("evaluate", args)
    print_summary({"dt": day, **evaluate_days(job.store, job.trials, day, job.registry.champion)})


if __name__ == "__main__":
    sys.exit(main())
