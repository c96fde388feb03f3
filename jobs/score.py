"""Job: the plays of a day into scores, with the champion, or beside it with another version."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.side_scores import score_beside
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps import SCORE_STEPS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("score", __doc__, "uae score --config demo/uae.toml --date 2026-01-13")
    add_day(parser, "day of plays to score")
    parser.add_argument(
        "--model-version",
        type=int,
        metavar="N",
        help="version of the attention model that scores with its pair into table scores_side, which "
        "nothing is published from (default: the champion, into scores)",
    )
    return run(parser, argv, score)


def score(args: argparse.Namespace) -> None:
    """Resolve the models once and score the day."""
    day = parse_day(args.date)
    job = start("score", args)
    if args.model_version is not None:
        rows: int | None = score_beside(job.store, day, args.model_version)
        table, attention = "scores_side", args.model_version
    else:
        (scored,) = run_steps(Night(job.store, day, day, reopens=False), SCORE_STEPS)["scores"]
        table, rows, attention = "scores", scored.state.counts.get("rows"), scored.state.counts["models"][0]
    print_summary({"dt": day, "table": table, "rows": rows, "attention_model_version": attention})


if __name__ == "__main__":
    sys.exit(main())
