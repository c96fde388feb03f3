"""Job: look at a feed that nobody has described yet, and write a configuration that reads it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.common import basic_parser, print_summary, run
from uae_model.first_contact import FirstSettings, write_first_settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = basic_parser("init", __doc__, "uae init --from plays.csv --out shop")
    parser.add_argument(
        "--from",
        dest="feed",
        required=True,
        metavar="FILE",
        help="CSV, JSON lines or Parquet, or a folder of it",
    )
    parser.add_argument(
        "--out", default=".", metavar="FOLDER", help="folder for uae.toml and hmac.key (default: this one)"
    )
    parser.add_argument("--force", action="store_true", help="write over a uae.toml that is there")
    return run(parser, argv, init)


def init(args: argparse.Namespace) -> None:
    """Write the files, and say what was guessed, what was not, and what to do next; needs no Spark."""
    written = write_first_settings(Path(args.feed), Path(args.out), force=args.force)
    for line in _told(written):
        print(line)
    look = written.look
    print_summary(
        {
            "config": written.file,
            "columns": {target: guess.column for target, guess in look.roles.items()},
            "features": len(look.inputs.features),
            "missing": len(look.gaps()),
            "to_check": len(look.doubts()),
        }
    )


def _told(written: FirstSettings) -> list[str]:
    look, place = written.look, written.look.place
    kept = "" if written.is_new_key else " (there was one, and it is kept)"
    seen = f"plays of {place.first_day} to {place.last_day}" if place.first_day else "no time was understood"
    return [
        f"wrote {written.file} and {written.key}{kept}",
        *[f"  {target:<9} {guess.column} ({guess.sure})" for target, guess in look.roles.items()],
        *[f"  missing: {line}" for line in look.gaps()],
        *[f"  check: {line}" for line in look.doubts()],
        f"{seen}; the first publication needs {written.days_needed} days, and of a daily feed the day after",
        "next:",
        *[f"  {command}" for command in written.commands],
    ]


if __name__ == "__main__":
    sys.exit(main())
