"""Job: the plays of a day into weights, with the champion."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.score import score_day
from uae_model.registry.client import Registry


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("score", __doc__, "uae score --config demo/uae.toml --date 2026-01-13")
    add_day(parser, "day of plays to score")
    return run(parser, argv, score)


def score(args: argparse.Namespace) -> None:
    """Resolve the champion once and score the day."""
    day = parse_day(args.date)
    job = start("score", args)
    champion = Registry(job.config).champion()
    rows = score_day(job.store, champion, day)
    print_summary({"dt": day, "weights": rows, "attention_model_version": champion.attention_version})


if __name__ == "__main__":
    sys.exit(main())
