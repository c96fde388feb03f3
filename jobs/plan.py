"""Job: what the night of a day would build and why, one line each; nothing is written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.job import Job
from uae_model.pipeline.nightly import plan_night


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("plan", __doc__, "uae plan --config demo/uae.toml --date 2026-01-13")
    add_day(parser, "UTC day of the night")
    return run(parser, argv, plan)


def plan(args: argparse.Namespace) -> None:
    """Print the plan of the night."""
    day = parse_day(args.date)
    print_plan(start("plan", args), day)


def print_plan(job: Job, day: date) -> None:
    """Print a line for each unit that would be built, then what else should be known, then the count."""
    planned, notices = plan_night(job.store, job.registry, day)
    for line in [*map(str, planned), *(f"note: {notice}" for notice in notices)]:
        print(line)
    print_summary({"dt": day, "planned": len(planned)})


if __name__ == "__main__":
    sys.exit(main())
