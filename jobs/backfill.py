"""Job: the whole chain for a range of days, or only its first steps; one summary line a day."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_days, day_range, job_parser, print_summary, run, start
from uae_model.core.dates import days_between, ranges_of
from uae_model.core.errors import NotClosedError
from uae_model.pipeline.nightly import play_counts, prepare_days, run_night, waiting_days


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser(
        "backfill",
        __doc__,
        "uae backfill --config demo/uae.toml --from 2026-01-05 --to 2026-01-12 --until sessions",
    )
    add_days(parser, "day")
    parser.add_argument(
        "--until",
        choices=("sessions", "features", "publish"),
        default="publish",
        help="stop after this step; features (or sessions, where no aggregates and no "
        "attributes are declared) suffices to train the first models",
    )
    return run(parser, argv, backfill)


def backfill(args: argparse.Namespace) -> None:
    """Prepare all closed days first, so that late events of the range reopen nothing, then run each night.

    Raises:
        NotClosedError: naming the days that are not closed yet, once all others are done.
    """
    first, last = day_range(args)
    job = start("backfill", args)
    waiting = waiting_days(job.store, first, last)
    closed = [day for day in days_between(first, last) if day not in waiting]
    for closed_range in ranges_of(closed):
        results = prepare_days(job.store, *closed_range, features=args.until != "sessions")
        if args.until != "publish":
            for result in results["plays"]:
                print_summary(play_counts(result.state))
    if args.until == "publish":
        for day in closed:
            print_summary(run_night(job.store, job.registry, day))
    if waiting:
        listed = ", ".join(" to ".join(map(str, dict.fromkeys(days))) for days in ranges_of(waiting))
        reason = next(iter(waiting.values()))
        raise NotClosedError(f"{len(closed)} days are done; not closed yet: {listed}; {reason}")


if __name__ == "__main__":
    sys.exit(main())
