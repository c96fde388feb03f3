"""Job: keep tables and folders from growing: compaction, vacuum, expiry, what trainings left."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import job_parser, print_summary, run, start
from uae_model.pipeline.maintain import as_table, maintain, summary


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("maintain", __doc__, "uae maintain --config demo/uae.toml --dry-run")
    parser.add_argument(
        "--dry-run", action="store_true", help="write nothing, only report what would be done and freed"
    )
    return run(parser, argv, maintain_all)


def maintain_all(args: argparse.Namespace) -> None:
    """Maintain everything; print a line for each table and folder, then the sums."""
    lines = maintain(start("maintain", args).store, dry_run=args.dry_run)
    print(as_table(lines))
    print_summary(summary(lines, dry_run=args.dry_run))


if __name__ == "__main__":
    sys.exit(main())
