"""Job: the whole chain for one day; the last line printed is its summary as JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from jobs.plan import print_plan
from uae_model.core.dates import parse_day
from uae_model.pipeline.nightly import run_night


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("nightly", __doc__, "uae nightly --config demo/uae.toml --date 2026-01-13")
    add_day(parser, "UTC day to publish; the feed must reach past its midnight by sessions.max_hours")
    parser.add_argument(
        "--dry-run", action="store_true", help="only print what would be built and why, as uae plan does"
    )
    return run(parser, argv, nightly)


def nightly(args: argparse.Namespace) -> None:
    """Run the night, or only plan it."""
    day = parse_day(args.date)
    job = start("nightly", args)
    if args.dry_run:
        print_plan(job, day)
        return
    print_summary(run_night(job.store, job.registry, day))


if __name__ == "__main__":
    sys.exit(main())
