"""Job: make a registered version champion if it passes the gates, or go back to the one before."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import job_parser, print_summary, run, settings
from uae_model.pipeline.job import registry_of
from uae_model.pipeline.models import promotion_summary
from uae_model.pipeline.steps.training import promote as promote_version


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("promote", __doc__, "uae promote --config demo/uae.toml --version 3")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--version", type=int, help="version of the attention model (default: the newest)")
    choice.add_argument(
        "--rollback",
        action="store_true",
        help="back to the champion before the present one; again: further back",
    )
    parser.add_argument("--force", action="store_true", help="promote in spite of failed gates (logged)")
    parser.add_argument(
        "--after-loss",
        action="store_true",
        help="this registry takes the place of one that is lost, which published days still name",
    )
    return run(parser, argv, promote)


def promote(args: argparse.Namespace) -> None:
    """Move the champion; needs no Spark."""
    config = settings(args)
    registry = registry_of(config)
    if args.rollback:
        version = registry.roll_back()
    else:
        version = promote_version(config, registry, args.version, force=args.force)
    if args.after_loss:
        registry.follow_lost()
    print_summary(promotion_summary(config, registry, version))


if __name__ == "__main__":
    sys.exit(main())
