"""Job: events into plays with sessions, features and labels, for a day and the days it reopens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.ingest.feed import Feed
from uae_model.pipeline.nightly import closed_slots
from uae_model.pipeline.sessions import build_day, reopened_days


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("sessions", __doc__, "uae sessions --config demo/uae.toml --date 2026-01-05")
    add_day(parser, "UTC day on which the sessions start")
    return run(parser, argv, sessions)


def sessions(args: argparse.Namespace) -> None:
    """Build the day's plays once its sessions are closed."""
    day = parse_day(args.date)
    job = start("sessions", args)
    closed_slots(Feed(job.spark, job.config), day, day, job.config)
    for reopened in [*reopened_days(job.store, day), day]:
        print_summary(vars(build_day(job.store, reopened)))


if __name__ == "__main__":
    sys.exit(main())
