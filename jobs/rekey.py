"""Job: change the key of users' pseudonyms, in all tables at once and without the feed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jobs.common import job_parser, print_summary, run, start
from uae_model.pipeline.users.rekey import rekey as change_key


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("rekey", __doc__, "uae rekey --config demo/uae.toml --new-key-file new.key")
    parser.add_argument(
        "--new-key-file",
        required=True,
        metavar="FILE",
        help="file with the new secret; it is written anew as the chain of the former secrets and this one",
    )
    parser.add_argument(
        "--now",
        action="store_true",
        help="also remove the old versions of tables, with the former pseudonyms, at once; while no other "
        "job runs",
    )
    return run(parser, argv, rekey)


def rekey(args: argparse.Namespace) -> None:
    """Change the key and say what is left to do."""
    job = start("rekey", args)
    print_summary(change_key(job.store, args.new_key_file, vacuums=args.now))


if __name__ == "__main__":
    sys.exit(main())
