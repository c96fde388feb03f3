"""Job: the feed of a day into events, dimensions and quarantine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.config import FEED_FORMATS, PROFILES
from uae_model.core.dates import parse_day
from uae_model.core.errors import NotYetError
from uae_model.ingest.feed import Feed
from uae_model.pipeline.nightly import ingested, ingested_statements
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps import ingest_steps
from uae_model.pipeline.steps.dimensions import complete_slots


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
    return run(parser, argv, ingest)


def ingest(args: argparse.Namespace) -> None:
    """Ingest the complete slots of the day, of plays and of dimensions; either will do."""
    day = parse_day(args.date)
    _choose_format(args)
    job = start("ingest", args)
    feed = Feed(job.spark, job.config)
    slots = [slot for slot in feed.slots(day) if feed.is_complete(slot)]
    delivered = [
        (dimension, complete_slots(job.store, dimension, day, day)) for dimension in job.config.dimensions
    ]
    if not slots and not any(delivered_slots for _, delivered_slots in delivered):
        raise NotYetError(
            f"the feed has no complete slot of {day}: looked for {feed.slots(day)[0].path} with its marker "
            f"{job.config.feed.complete_marker or '(none configured)'}"
        )
    night = Night(job.store, day, day, slots=slots, reopens=False)
    results = run_steps(night, ingest_steps(job.config))
    summary: dict[str, Any] = {"dt": day, **ingested(results).to_dict()}
    if delivered:
        summary["dimensions"] = ingested_statements(results, job.config)
    print_summary(summary)


def _choose_format(args: argparse.Namespace) -> None:
    if args.format is None:
        return
    args.overrides = [*args.overrides, f"feed.format={args.format}"]
    if args.config is None and args.profile is None and args.format in PROFILES:
        args.profile = args.format


if __name__ == "__main__":
    sys.exit(main())
