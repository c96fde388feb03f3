"""Job: rows of a day's feed that could not be read, and why; with --show the rows themselves."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.pipeline.quarantine import quarantined_rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser(
        "quarantine", __doc__, "uae quarantine --config demo/uae.toml --date 2026-01-05 --show"
    )
    add_day(parser, "day of the feed's slots; any day for a static dataset")
    parser.add_argument(
        "--show",
        action="store_true",
        help="open each row with the key and print it, and the values that show its faults: they hold the "
        "ids of users, so mind where the output goes",
    )
    return run(parser, argv, quarantine)


def quarantine(args: argparse.Namespace) -> None:
    """Print one line of JSON for each row, then how many there are by reason."""
    day = parse_day(args.date)
    job = start("quarantine", args)
    reasons: Counter[str] = Counter()
    for row in quarantined_rows(job.store, day, shows_rows=args.show):
        reasons[row["reason"]] += row["occurrences"]
        print_summary(row)
    print_summary({"dt": day, "quarantined": reasons.total(), "reasons": dict(reasons.most_common())})


if __name__ == "__main__":
    sys.exit(main())
