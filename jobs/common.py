"""What every job shares: arguments, the Spark session, errors in one line, the exit code."""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Any, TextIO

from pyspark.sql import SparkSession

from uae_model import __version__
from uae_model.config import PROFILES, Config, load_config
from uae_model.core.dates import parse_day
from uae_model.core.errors import UaeError, UsageError, first_line
from uae_model.core.human_logs import PLACES
from uae_model.core.logs import (
    FORMAT_VARIABLE,
    LOG_FORMATS,
    add_to_context,
    configure_logs,
    context_of,
    format_of,
    is_json_demanded,
    log,
    log_context,
)
from uae_model.core.run_figures import (
    LAST_SUCCESS,
    RUN_END,
    RUN_ERROR,
    RUN_EXIT_CODE,
    RUN_INFO,
    RUN_SECONDS,
    RunFigures,
    current_run,
    figures_of_run,
)
from uae_model.pipeline.faults import known_fault
from uae_model.pipeline.job import Job, open_job
from uae_model.pipeline.writers import alone_writing

LONGEST_CAUSE = 400

LOOKING = ("check", "plan", "lineage", "quarantine", "report")
"""Jobs that only look: they write nothing about themselves either."""
WITHOUT_TABLES = (*LOOKING, "evaluate", "sensitivity", "tune")
"""Jobs that write no table."""

_HELD: ContextVar[ExitStack | None] = ContextVar("uae_held", default=None)
"""What a run holds until it has ended, such as the right to write tables on S3."""

WORKER_TRACE = "Traceback (most recent call last)"
WORKER_ERROR = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt)\b.*", re.MULTILINE)
"""The line of a Python worker's traceback that says what was raised."""


def basic_parser(step: str, description: str, example: str) -> argparse.ArgumentParser:
    """Return a parser with the options about the log; --help ends with an example."""
    parser = argparse.ArgumentParser(
        prog=f"uae {step}",
        description=description,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default="INFO",
        help="of the log on stderr",
    )
    parser.add_argument(
        "--log-format",
        choices=LOG_FORMATS,
        help="of the log: lines for a person with a display of progress, or JSON (default: the variable "
        f"{FORMAT_VARIABLE}, else human on a terminal and JSON elsewhere)",
    )
    return parser


def job_parser(step: str, description: str, example: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every job with a configuration takes."""
    parser = basic_parser(step, description, example)
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
        UsageError: if they are not days or are in the wrong order.
    """
    first, last = parse_day(args.first), parse_day(args.last)
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    return first, last


def settings(args: argparse.Namespace) -> Config:
    """Load the configuration that the common options name."""
    return load_config(args.config, profile=args.profile, overrides=args.overrides)


def start(step: str, args: argparse.Namespace) -> Job:
    """Load the settings, start Spark and open the tables, where this run alone may write them if it must.

    Raises:
        AnotherRunError: if another process writes tables on S3, where one at a time may.
    """
    config = settings(args)
    _name_run(step, args, config)
    job = open_job(step, config, args.spark_conf)
    log("settings", config=json.loads(config.canonical_json()), digest=config.digest())
    held = _HELD.get()
    if held is not None and step not in WITHOUT_TABLES and not getattr(args, "dry_run", False):
        held.enter_context(alone_writing(job.store))
    return job


def _name_run(step: str, args: argparse.Namespace, config: Config) -> None:
    """Say in every line of the log, and in the metrics, which run this is: its id and its day."""
    figures = current_run()
    if figures is None:
        return
    asked = getattr(args, "date", None) or getattr(args, "last", None)
    day = parse_day(asked).isoformat() if asked else ""
    figures.day, figures.run_id = day, config.run_id(day) if day else config.digest()
    if step not in LOOKING and not getattr(args, "dry_run", False):
        figures.folder = config.paths.metrics
    add_to_context(run_id=figures.run_id, **({"day": day} if day else {}))


def run(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    body: Callable[[argparse.Namespace], Any],
) -> int:
    """Parse, run the body and return the exit code: 0 done, else the error's own (see ``core.errors``).

    Whatever goes wrong ends in one line on stderr; where JSON is demanded, it is the event "job ended". The
    traceback of an unexpected error is in the log, as a field of the event "job failed".
    """
    args = parser.parse_args(argv)
    try:
        configure_logs(args.log_level, format_of(args.log_format))
    except UsageError as error:
        parser.error(str(error))
    began = time.monotonic()
    with (
        log_context(job=parser.prog),
        figures_of_run(parser.prog.removeprefix("uae ")) as figures,
        _warnings_in_the_log(),
    ):
        code, message = _outcome(body, args)
        _stop_spark()
        _leave_metrics(figures, code, time.monotonic() - began)
        if message and is_json_demanded(args.log_format):
            log("job ended", logging.ERROR, exit_code=code, message=message)
        elif message:
            print(f"{parser.prog}: {message}", file=sys.stderr)
    return code


@contextmanager
def _warnings_in_the_log() -> Iterator[None]:
    """Write what libraries warn of as events, which Python would print as raw text."""

    def tell(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text, at = one_line(str(message)), f"{filename}:{lineno}"
        log("a library warns", logging.WARNING, kind=category.__name__, text=text, at=at)

    with warnings.catch_warnings():
        warnings.showwarning = tell
        yield


def _outcome(body: Callable[[argparse.Namespace], Any], args: argparse.Namespace) -> tuple[int, str | None]:
    """Run the body; return the exit code, and what went wrong in one line."""
    try:
        with _held_to_the_end():
            body(args)
    except UaeError as error:
        _tell_error(error)
        log("job failed", logging.ERROR, error=type(error).__name__, message=str(error))
        return error.exit_code, one_line(str(error))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a scheduler reads one line in any case
        where = context_of(error)
        trace = "".join(traceback.format_exception(error))
        fields = {**where, "error": type(error).__name__, "traceback": trace}
        log("job failed", logging.ERROR, **fields)
        fault = None if isinstance(error, KeyboardInterrupt) else known_fault(error)
        _tell_error(fault or error)
        if fault is None:
            return UaeError.exit_code, unforeseen(error, where)
        return fault.exit_code, f"{_place(where)}{one_line(str(fault))}"
    return 0, None


@contextmanager
def _held_to_the_end() -> Iterator[None]:
    """Give up at the end of the block what ``start`` took in it."""
    with ExitStack() as held:
        token = _HELD.set(held)
        try:
            yield
        finally:
            _HELD.reset(token)


def _tell_error(error: BaseException) -> None:
    figures = current_run()
    if figures is not None:
        figures.tell(RUN_ERROR, 1, error=type(error).__name__)


def _leave_metrics(figures: RunFigures, code: int, seconds: float) -> None:
    """Write the metrics where the settings name a folder; what goes wrong there changes no exit code."""
    if not figures.folder:
        return
    figures.tell(RUN_INFO, 1, run_id=figures.run_id, version=__version__)
    figures.tell(RUN_EXIT_CODE, code)
    figures.tell(RUN_SECONDS, round(seconds, 2))
    ended = round(time.time(), 3)
    figures.tell(RUN_END, ended)
    if code == 0:
        figures.tell(LAST_SUCCESS, ended)
    try:
        # Only who wants metrics needs the package prometheus_client.
        from uae_model.core.metrics_file import write_metrics

        write_metrics(figures, is_success=code == 0)
    except Exception as error:  # noqa: BLE001 - the job has ended as it has; its log says that nobody watches it
        told = {"folder": figures.folder, "error": type(error).__name__, "message": first_line(error)}
        log("metrics were not written: let this user write to paths.metrics", logging.WARNING, **told)


def _stop_spark() -> None:
    """End the session; one whose Java process has died cannot be asked to."""
    try:
        active = SparkSession.getActiveSession()
        if active is not None:
            active.stop()
    except Exception as error:  # noqa: BLE001 - what happened before is what the job has to tell
        log("spark did not stop", logging.WARNING, error=type(error).__name__, message=first_line(error))


def one_line(text: str) -> str:
    """Return the text without line breaks."""
    return " ".join(text.split())


def unforeseen(error: BaseException, where: Mapping[str, Any]) -> str:
    """Return one line about an error that this project did not raise: where, what, what to do.

    Args:
        error: what was raised.
        where: the fields of the log at that place.
    """
    return f"{_place(where)}{_cause(error)}; {_advice(error)}"


def _place(where: Mapping[str, Any]) -> str:
    place = ", ".join(f"{name} {where[name]}" for name in PLACES if name in where)
    return f"{place}: " if place else ""


def _cause(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted"
    java = getattr(error, "java_exception", None)
    text = str(error) if java is None else str(java.getMessage() or java)
    # Spark's own messages go on with a plan or a stack of Java.
    words = text.split("\n\tat ")[0].split("\n\nJVM stacktrace")[0].split("\n== ")[0]
    in_python = WORKER_ERROR.findall(words.partition(WORKER_TRACE)[2])
    first = one_line(in_python[-1] if in_python else words)
    return f"{type(error).__name__}: {first[:LONGEST_CAUSE]}".rstrip(": ")


def _advice(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "what was not finished is done by the next run"
    return 'run it again; if it fails again, report the traceback that the log holds under "job failed"'


def print_summary(summary: dict[str, Any]) -> None:
    """Print one line of JSON, the last line that a scheduler reads."""
    print(json.dumps(summary, sort_keys=False, default=str), flush=True)
