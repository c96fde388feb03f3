"""What every job shares: arguments, the Spark session, errors in one line, the exit code."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from uae_model.config import PROFILES, Config, load_config
from uae_model.core.dates import parse_day
from uae_model.core.errors import InputError, UaeError
from uae_model.core.logs import configure_logs, log, log_context
from uae_model.lake import TableStore
from uae_model.lake.spark import start_spark


@dataclass(frozen=True)
class Job:
    """What a job works with: its settings, the Spark session and the tables."""

    config: Config
    spark: SparkSession
    store: TableStore


def job_parser(step: str, description: str, example: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every job takes; --help ends with an example."""
    parser = argparse.ArgumentParser(
        prog=f"uae {step}",
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", metavar="FILE", help="TOML file with the settings (default: the profile's)"
    )
    parser.add_argument(
        "--profile", choices=PROFILES, help="settings to start from; wins over the file's own"
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        help="change one setting; may be given several times",
    )
    parser.add_argument(
        "--spark-conf",
        metavar="FILE",
        action="append",
        default=[],
        help="Spark settings of a local run (default: spark_conf/local.conf); later files win",
    )
    parser.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default="INFO",
        help="of the JSON log on stderr",
    )
    return parser


def add_day(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add --date."""
    parser.add_argument("--date", required=True, metavar="YYYY-MM-DD", help=meaning)


def add_days(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add --from and --to."""
    parser.add_argument("--from", dest="first", required=True, metavar="YYYY-MM-DD", help=f"first {meaning}")
    parser.add_argument("--to", dest="last", required=True, metavar="YYYY-MM-DD", help=f"last {meaning}")


def day_range(args: argparse.Namespace) -> tuple[date, date]:
    """Return --from and --to as days.

    Raises:
        InputError: if they are not days or are in the wrong order.
    """
    first, last = parse_day(args.first), parse_day(args.last)
    if first > last:
        raise InputError(f"--from {first} is after --to {last}")
    return first, last


def settings(args: argparse.Namespace) -> Config:
    """Load the configuration that the common options name."""
    return load_config(args.config, profile=args.profile, overrides=args.overrides)


def start(step: str, args: argparse.Namespace) -> Job:
    """Load the settings, start Spark and open the tables."""
    config = settings(args)
    spark = start_spark(step, args.spark_conf)
    log("settings", config=json.loads(config.canonical_json()), digest=config.digest())
    return Job(config, spark, TableStore(spark, config))


def run(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    body: Callable[[argparse.Namespace], Any],
) -> int:
    """Parse, run the body and return the exit code: 0 only on success.

    An error that a person can mend is one line on stderr; any other error keeps its traceback in the log.
    """
    args = parser.parse_args(argv)
    configure_logs(args.log_level)
    with log_context(job=parser.prog):
        try:
            body(args)
        except UaeError as error:
            log("job failed", logging.ERROR, error=type(error).__name__, message=str(error))
            print(f"{parser.prog}: {error}", file=sys.stderr)
            return 1
        finally:
            active = SparkSession.getActiveSession()
            if active is not None:
                active.stop()
    return 0


def print_summary(summary: dict[str, Any]) -> None:
    """Print one line of JSON, the last line that a scheduler reads."""
    print(json.dumps(summary, sort_keys=False, default=str), flush=True)
