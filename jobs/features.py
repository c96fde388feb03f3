"""Job: aggregates and attributes of a day's plays; --explain says what each feature means."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import job_parser, print_summary, run, settings, start
from uae_model.config.explain import explain
from uae_model.core.dates import parse_day
from uae_model.core.errors import ConfigError
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps import FEATURE_STEPS
from uae_model.pipeline.steps.features import has_joined_features


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("features", __doc__, "uae features --config demo/uae.toml --date 2026-01-05")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--date", metavar="YYYY-MM-DD", help="UTC day on which the plays' sessions started")
    what.add_argument(
        "--explain", action="store_true", help="only print what each feature means, its source and its cost"
    )
    return run(parser, argv, features)


def features(args: argparse.Namespace) -> None:
    """Build the day, and the days before it that late events or rows of dimensions have changed."""
    if args.explain:
        print(explain(settings(args)))
        return
    day = parse_day(args.date)
    job = start("features", args)
    if not has_joined_features(job.config):
        raise ConfigError(
            "features: no aggregate and no attribute of a dimension is declared, so there is nothing to build"
        )
    for result in run_steps(Night(job.store, day, day), FEATURE_STEPS)["features"]:
        if result.reason or result.state.unit.day == day:
            print_summary({"dt": result.state.unit.day, "plays": result.state.counts.get("plays")})


if __name__ == "__main__":
    sys.exit(main())
