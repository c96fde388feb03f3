"""Job: what is registered: versions, how well each explains held-out plays, gates, the champion."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import job_parser, print_summary, run, settings
from uae_model.pipeline.models import overview_of


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    return run(job_parser("models", __doc__, "uae models --config demo/uae.toml"), argv, models)


def models(args: argparse.Namespace) -> None:
    """Print a table and all figures as a line of JSON; needs no Spark."""
    overview = overview_of(settings(args))
    for line in overview.table:
        print(line)
    print_summary(overview.summary)


if __name__ == "__main__":
    sys.exit(main())
