"""Job: one self-contained HTML page about a published day."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import fsspec

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.core.logs import log
from uae_model.report import collect, render


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    example = "uae report --config demo/uae.toml --date 2026-01-13 --out report.html"
    parser = job_parser("report", __doc__, example)
    add_day(parser, "published day of the key figures")
    form = "YYYY-MM-DD"
    parser.add_argument("--from", dest="first", metavar=form, help="first day of the plots (default: --date)")
    parser.add_argument("--to", dest="last", metavar=form, help="last day of the plots (default: --date)")
    parser.add_argument(
        "--out", metavar="FILE", help="file or URI of the page (default: paths.reports/DATE.html)"
    )
    return run(parser, argv, report)


def report(args: argparse.Namespace) -> None:
    """Collect the facts and write the page."""
    day = parse_day(args.date)
    first = parse_day(args.first) if args.first else None
    last = parse_day(args.last) if args.last else None
    job = start("report", args)
    facts = collect(job.store, job.existing_registry, day, first, last)
    page = render(facts).encode()
    out = args.out or f"{job.config.paths.reports.rstrip('/')}/{day}.html"
    with fsspec.open(out, "wb", auto_mkdir=True) as file:
        file.write(page)
    log("report written", path=out, size_bytes=len(page))
    print_summary({"dt": day, "report": out, "plays": facts.published.plays, "size_bytes": len(page)})


if __name__ == "__main__":
    sys.exit(main())
