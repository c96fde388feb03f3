"""Job: events into plays with sessions, features and labels, for a day and the days it reopens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.nightly import open_night, play_counts
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.steps import PLAYS


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("sessions", __doc__, "uae sessions --config demo/uae.toml --date 2026-01-05")
    add_day(parser, "UTC day on which the sessions start")
    return run(parser, argv, sessions)


def sessions(args: argparse.Namespace) -> None:
    """Build the day's plays once its sessions are closed."""
    day = parse_day(args.date)
    job = start("sessions", args)
    for result in run_steps(open_night(job.store, day, day), [PLAYS])["plays"]:
        if result.reason or result.state.unit.day == day:
            print_summary(play_counts(result.state))


if __name__ == "__main__":
    sys.exit(main())
