"""Job: check the scores of a day and let readers see them as weights."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import add_day, job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.core.errors import UsageError
from uae_model.pipeline.rebuild import rebuild
from uae_model.pipeline.runner import build
from uae_model.pipeline.step import Acceptance
from uae_model.pipeline.steps.publication import PUBLICATION, published_row


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("publish", __doc__, "uae publish --config demo/uae.toml --date 2026-01-13")
    add_day(parser, "day of scores to publish")
    parser.add_argument(
        "--accept",
        metavar="CHECK",
        action="append",
        default=[],
        help="overrule a failed check, by the name that the refusal gives; may be given several times",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why; kept with the publication, as readers see it")
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="write a published day anew whose files are lost or damaged: from its scores, or by scoring it "
        "again with the models that it names; through the same checks",
    )
    return run(parser, argv, publish)


def publish(args: argparse.Namespace) -> None:
    """Validate and publish the day."""
    day = parse_day(args.date)
    if bool(args.accept) != bool(args.reason and args.reason.strip()):
        raise UsageError("--accept CHECK and --reason TEXT belong together: say which check, and why")
    job = start("publish", args)
    acceptance = Acceptance(tuple(args.accept), args.reason)
    rebuilt = {}
    if args.rebuild:
        rebuilt = {"rebuilt_from": rebuild(job.store, day, acceptance)}
    else:
        build(job.store, PUBLICATION, day, acceptance=acceptance)
    row = published_row(job.store, day)
    print_summary(
        {
            "dt": day,
            "delta_version": row["delta_version"],
            "weights": row["row_count"],
            "checks": row["checks"],
            **rebuilt,
            **{name: row[name] for name in ("accepted_checks", "accepted_reason") if row[name]},
        }
    )


if __name__ == "__main__":
    sys.exit(main())
