"""Job: the plays of a day into weights, with the champion."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps import SCORE_STEPS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("score", __doc__, "uae score --config demo/uae.toml --date 2026-01-13")
    add_day(parser, "day of plays to score")
    return run(parser, argv, score)


def score(args: argparse.Namespace) -> None:
    """Resolve the champion once and score the day."""
    day = parse_day(args.date)
    job = start("score", args)
    (scored,) = run_steps(Night(job.store, day, day, reopens=False), SCORE_STEPS)["weights"]
    attention, _ = scored.state.counts["models"]
    rows = scored.state.counts.get("rows")
    print_summary({"dt": day, "weights": rows, "attention_model_version": attention})


if __name__ == "__main__":
    sys.exit(main())
