"""Job: take users out of every table and copy; a certificate says what was removed, and what remains."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.common import job_parser, print_summary, run, start
from uae_model.core.errors import UsageError
from uae_model.pipeline.users.certificate import write_certificate
from uae_model.pipeline.users.forget import forget as forget_users


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("forget", __doc__, "uae forget --config demo/uae.toml --user user-17 --now")
    parser.add_argument(
        "--user", metavar="ID", action="append", default=[], help="raw id as the feed has it; may be repeated"
    )
    parser.add_argument("--file", metavar="FILE", help="raw ids, one a line; in no shell's history")
    parser.add_argument("--reference", metavar="TEXT", help="of the request, for the certificate; no id")
    parser.add_argument(
        "--now",
        action="store_true",
        help="also remove the old versions of tables at once, rather than after their retention; while no "
        "other job runs",
    )
    return run(parser, argv, forget)


def forget(args: argparse.Namespace) -> None:
    """Forget the users, write the certificate and tell where it lies."""
    named = [*args.user, *_named_in(args.file)]
    if not any(name.strip() for name in named):
        raise UsageError("nobody is named; pass --user ID, or --file FILE with one id a line")
    job = start("forget", args)
    certificate = forget_users(job.store, named, reference=args.reference, vacuums=args.now)
    page = write_certificate(certificate, job.config.paths.reports)
    told = certificate.to_dict()
    names = ("users", "rows", "republished", "withdrawn", "accepted", "vacuumed")
    print_summary({**{name: told[name] for name in names}, "certificate": page})


def _named_in(file: str | None) -> list[str]:
    if file is None:
        return []
    try:
        return Path(file).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--file {file}: cannot be read as UTF-8 text ({type(error).__name__})") from error


if __name__ == "__main__":
    sys.exit(main())
