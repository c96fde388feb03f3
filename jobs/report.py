"""Job: one self-contained HTML page, about a published day or about many days."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import day_range, job_parser, print_summary, run, start
from uae_model.core.atomic import write_whole
from uae_model.core.dates import parse_day
from uae_model.core.errors import UsageError
from uae_model.core.logs import log
from uae_model.pipeline.job import Job
from uae_model.report import collect, render
from uae_model.report.many_days import collect_days, render_days


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    example = (
        "uae report --config demo/uae.toml --date 2026-01-13 --out report.html\n"
        "  uae report --config demo/uae.toml --from 2026-01-01 --to 2026-01-31"
    )
    parser = job_parser("report", __doc__, example)
    form = "YYYY-MM-DD"
    parser.add_argument("--date", metavar=form, help="published day that the page is about")
    parser.add_argument(
        "--from", dest="first", metavar=form, help="first of many days; with --date, first day of its plots"
    )
    parser.add_argument("--to", dest="last", metavar=form, help="last of many days, or last day of the plots")
    parser.add_argument(
        "--paper", action="store_true", help="show the paper's figures beside those of the day"
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="file or URI of the page (default: paths.reports/DATE.html, or FROM_TO.html)",
    )
    return run(parser, argv, report)


def report(args: argparse.Namespace) -> None:
    """Collect the facts and write the page.

    Raises:
        UsageError: if neither a day nor a range is given.
    """
    if args.date is None and (args.first is None or args.last is None):
        raise UsageError("give --date for the page of a day, or --from and --to for one about many days")
    if args.date is None:
        _report_days(args)
    else:
        _report_day(args)


def _report_day(args: argparse.Namespace) -> None:
    day = parse_day(args.date)
    first = parse_day(args.first) if args.first else None
    last = parse_day(args.last) if args.last else None
    job = start("report", args)
    facts = collect(job.store, job.existing_registry, day, first, last)
    path, size = _write(job, args.out, f"{day}.html", render(facts, paper=args.paper))
    print_summary({"dt": day, "report": path, "plays": facts.published.plays, "size_bytes": size})


def _report_days(args: argparse.Namespace) -> None:
    first, last = day_range(args)
    job = start("report", args)
    facts = collect_days(job.store, first, last)
    path, size = _write(job, args.out, f"{first}_{last}.html", render_days(facts))
    counts = {"published": len(facts.published), "events": len(facts.events())}
    print_summary({"from": first, "to": last, "report": path, **counts, "size_bytes": size})


def _write(job: Job, out: str | None, name: str, page: str) -> tuple[str, int]:
    """Write a page where it was asked for, else under its name among the reports; return path and size."""
    path, content = out or f"{job.config.paths.reports.rstrip('/')}/{name}", page.encode()
    write_whole(path, content)
    log("report written", path=path, size_bytes=len(content))
    return path, len(content)


if __name__ == "__main__":
    sys.exit(main())
