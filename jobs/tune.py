"""Job: choose the weight function of a registered model on data, for weights.function = "auto"."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.tune import tune as tune_model


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("tune", __doc__, "uae tune --config demo/uae.toml --date 2026-01-12")
    add_day(
        parser, "last day whose active plays judge; training.window_days precede training.validation_days"
    )
    parser.add_argument(
        "--version", type=int, help="version of the attention model (default: the champion, else the newest)"
    )
    return run(parser, argv, tune)


def tune(args: argparse.Namespace) -> None:
    """Choose, and record the choice with the version."""
    day = parse_day(args.date)
    job = start("tune", args)
    print_summary({"dt": day, **tune_model(job.store, job.registry, day, args.version)})


if __name__ == "__main__":
    sys.exit(main())
