"""Job: what would become of a day's feed: columns, rows, quarantine and why; nothing is written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.check import check_day


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("check", __doc__, "uae check --config demo/uae.toml --date 2026-01-05")
    add_day(parser, "day of the feed's slots; any day for a static dataset")
    parser.add_argument(
        "--show",
        action="store_true",
        help="also print a value that shows each kind of fault; it may be the id of a user",
    )
    return run(parser, argv, check)


def check(args: argparse.Namespace) -> None:
    """Print one summary line a slot."""
    day = parse_day(args.date)
    job = start("check", args)
    for result in check_day(job.store, day, shows_values=args.show):
        print_summary({"dt": day, **result.to_dict()})


if __name__ == "__main__":
    sys.exit(main())
