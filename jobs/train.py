"""Job: train attention and propensity on a window of plays and register both models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.nightly import train as train_models


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("train", __doc__, "uae train --config demo/uae.toml --date 2026-01-12")
    add_day(parser, "last validation day; the window of training.window_days ends before the validation days")
    return run(parser, argv, train)


def train(args: argparse.Namespace) -> None:
    """Train and register."""
    day = parse_day(args.date)
    job = start("train", args)
    attention, propensity = train_models(job.store, job.registry, day)
    print_summary({"dt": day, "attention_model_version": attention, "propensity_model_version": propensity})


if __name__ == "__main__":
    sys.exit(main())
