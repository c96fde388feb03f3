"""Job: the feed of a day into events, dimensions and quarantine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.config import FEED_FORMATS, PROFILES
from uae_model.core.dates import parse_day
from uae_model.pipeline.ingest import ingest_day


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("ingest", __doc__, "uae ingest --config demo/uae.toml --date 2026-01-05")
    add_day(parser, "day of the feed's slots; any day for a static dataset")
    parser.add_argument(
        "--format",
        choices=FEED_FORMATS,
        help="sets feed.format; a dataset starts from the profile of its name, unless --config or --profile "
        "is given",
    )
    parser.add_argument(
        "--accept-withdrawn",
        action="store_true",
        help="let a slot that was delivered again take back any share of the events that it brought before "
        "(otherwise at most feed.max_withdrawn_share)",
    )
    return run(parser, argv, ingest)


def ingest(args: argparse.Namespace) -> None:
    """Ingest the complete slots of the day, of plays and of dimensions; either will do."""
    day = parse_day(args.date)
    _choose_format(args)
    job = start("ingest", args)
    counts = ingest_day(job.store, day, accepts_withdrawn=args.accept_withdrawn)
    print_summary({"dt": day, **counts})


def _choose_format(args: argparse.Namespace) -> None:
    if args.format is None:
        return
    args.overrides = [*args.overrides, f"feed.format={args.format}"]
    if args.config is None and args.profile is None and args.format in PROFILES:
        args.profile = args.format


if __name__ == "__main__":
    sys.exit(main())
