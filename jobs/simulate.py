"""Job: make a feed of plays with known attention, and a configuration that reads it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.common import job_parser, print_summary, run, start
from uae_model.core.dates import parse_day
from uae_model.core.digests import FULL_DIGITS, text_digest
from uae_model.pipeline.simulate import defects_of, slot_days, world_of
from uae_model.pipeline.simulate import simulate as write_simulation


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return the exit code."""
    parser = job_parser("simulate", __doc__, "uae simulate --out demo --days 9 --plays 230000 --seed 7")
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="folder for feed/, uae.toml and hmac.key"
    )
    parser.add_argument("--days", type=int, default=9, help="days of listening (default 9)")
    parser.add_argument("--plays", type=int, default=230_000, help="plays in all, about (default 230000)")
    parser.add_argument("--songs", type=int, default=5_000, help="songs of the service (default 5000)")
    parser.add_argument("--first-day", default="2026-01-05", metavar="YYYY-MM-DD", help="first day")
    parser.add_argument(
        "--stickiness", type=float, default=0.7, help="probability that attention stays as it was, 0 to 0.95"
    )
    parser.add_argument(
        "--world",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="another parameter of the world (docs/datasets.md lists them); may be given several times",
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed and flags make the same plays")
    parser.add_argument("--format", choices=("parquet", "jsonl"), default="parquet", help="of the feed")
    parser.add_argument("--clean", action="store_true", help="no duplicates, late or bad rows, and no bot")
    return run(parser, argv, simulate)


def simulate(args: argparse.Namespace) -> None:
    """Write the configuration, then the feed and the truth that it names."""
    world = world_of(
        args.plays,
        args.world,
        seed=args.seed,
        first_day=parse_day(args.first_day),
        days=args.days,
        songs=args.songs,
        stickiness=args.stickiness,
    )
    folder = Path(args.out)
    args.config = str(_write_settings(folder, args))
    job = start("simulate", args)
    feed = str(folder.resolve() / "feed")
    defects = defects_of(job.config, clean=args.clean)
    counts = write_simulation(job.store, feed, world, defects, args.format)
    days = slot_days(world)
    print_summary({"config": args.config, "first_day": days[0], "last_day": days[-2], **counts})


def _write_settings(folder: Path, args: argparse.Namespace) -> Path:
    """Write uae.toml and the key, where there are none yet."""
    folder.mkdir(parents=True, exist_ok=True)
    config, key = folder / "uae.toml", folder / "hmac.key"
    if not key.exists():
        # A simulated user has no identity to protect; a key of the seed keeps tables reproducible.
        key.write_text(text_digest(f"simulation {args.seed}", FULL_DIGITS))
        key.chmod(0o600)
    if not config.exists():
        config.write_text(
            "# Settings of a simulated feed. Every key that is not here has its default:\n"
            "# docs/reference/configuration.md lists them.\n"
            f'profile = "{args.profile or "default"}"\n\n'
            '[paths]\nhmac_key_file = "hmac.key"\n\n'
            f'[feed]\nformat = "{args.format}"\n'
        )
    return config


if __name__ == "__main__":
    sys.exit(main())
