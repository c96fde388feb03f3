"""Job: what a published day was built from, from the feed's slots to its publication, one line each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.core.errors import InputError
from uae_model.pipeline.lineage import chain_digest, lineage, link
from uae_model.pipeline.step import Night


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("lineage", __doc__, "uae lineage --config demo/uae.toml --date 2026-01-13")
    add_day(parser, "published day")
    return run(parser, argv, trace)


def trace(args: argparse.Namespace) -> None:
    """Print the chain and its digest, and whether the publication carries the same one."""
    day = parse_day(args.date)
    job = start("lineage", args)
    published = job.store.states.accepted("publications", day)
    if published is None:
        raise InputError(f"{day} is not published; run uae publish --date {day} first")
    night = Night(job.store, day, day)
    for state in lineage(night, day):
        print(json.dumps({name: value for name, value in link(state).items() if value}, default=str))
    digest = chain_digest(night, day)
    carried = published.counts.get("lineage")
    print_summary({"dt": day, "lineage": digest, "published": carried, "is_unchanged": digest == carried})


if __name__ == "__main__":
    sys.exit(main())
