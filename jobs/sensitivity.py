"""Job: how much attention depends on what data cannot show, the features' roles and the mean of attention."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.atomic import write_whole
from uae_model.core.dates import parse_day
from uae_model.pipeline.sensitivity import sensitivity


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    example = "uae sensitivity --config demo/uae.toml --date 2026-01-12"
    parser = job_parser("sensitivity", __doc__, example)
    add_day(parser, "last validation day, as of uae train; nothing is registered")
    return run(parser, argv, compare)


def compare(args: argparse.Namespace) -> None:
    """Train the variants, print the table and write it beside the reports."""
    day = parse_day(args.date)
    job = start("sensitivity", args)
    table = sensitivity(job.store, day)
    out = f"{job.config.paths.reports.rstrip('/')}/sensitivity-{day}.md"
    write_whole(out, table + "\n")
    print(table)
    print_summary({"dt": day, "table": out})


if __name__ == "__main__":
    sys.exit(main())
