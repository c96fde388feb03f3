"""Job: what would become of a day's feed: columns, rows, quarantine and why; nothing is written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.core.errors import NotYetError
from uae_model.ingest.check import check_slot
from uae_model.ingest.feed import Feed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("check", __doc__, "uae check --config demo/uae.toml --date 2026-01-05")
    add_day(parser, "day of the feed's slots; any day for a static dataset")
    return run(parser, argv, check)


def check(args: argparse.Namespace) -> None:
    """Judge every row of the slots that are there, one summary line each."""
    day = parse_day(args.date)
    job = start("check", args)
    feed = Feed(job.spark, job.config)
    slots = [slot for slot in feed.slots(day) if feed.is_complete(slot)]
    if not slots:
        raise NotYetError(f"the feed has no complete slot of {day}: looked for {feed.slots(day)[0].path}")
    for slot in slots:
        print_summary({"dt": day, **check_slot(job.spark, job.config, slot).to_dict()})


if __name__ == "__main__":
    sys.exit(main())
