"""Logs on stderr, with the run and step they belong to: JSON, an object a line, or lines for a person."""

from __future__ import annotations

import contextvars
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, get_args

from uae_model.core.errors import UsageError
from uae_model.core.human_logs import HumanFormatter, colours_wanted
from uae_model.core.run_figures import measured

_LOGGER = logging.getLogger("uae")
_CONTEXT: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "uae_log_context", default=None
)
_ERROR_CONTEXT = "_uae_log_context"

LogFormat = Literal["human", "json"]
LOG_FORMATS: tuple[LogFormat, ...] = get_args(LogFormat)
FORMAT_VARIABLE = "UAE_LOG_FORMAT"
"""Environment variable that says the format where no option does."""

Written = Literal["human", "json", "relayed"]
"""A format in which the log is written; ``relayed`` is JSON of a process that another one shows."""


class JsonFormatter(logging.Formatter):
    """Render a record as one JSON line: time, level, event, the context and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; values that JSON lacks become strings."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what ``sys.stderr`` is when a line comes: notebooks and tests put another in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)


class _Chosen:
    """The format of this process."""

    written: Written = "json"


def current_format() -> Written:
    """Return the format that the logs of this process have."""
    return _Chosen.written


def format_of(wanted: LogFormat | None = None) -> Written:
    """Return the format of the logs: the one that is wanted, else the variable's, else a terminal's or JSON.

    Raises:
        UsageError: if the variable says something else.
    """
    named = _named(wanted)
    if named and named not in LOG_FORMATS:
        raise UsageError(f"{FORMAT_VARIABLE} = {named!r}: allowed are {', '.join(LOG_FORMATS)}")
    if not named:
        return "human" if sys.stderr.isatty() else "json"
    return "human" if named == "human" else "json"


def is_json_demanded(wanted: LogFormat | None = None) -> bool:
    """Tell whether JSON was asked for by name: then nothing else may stand on stderr."""
    return _named(wanted) == "json"


def _named(wanted: LogFormat | None) -> str:
    return wanted or os.environ.get(FORMAT_VARIABLE, "")


def configure_logs(level: str = "INFO", written: Written | None = None) -> None:
    """Send the project's logs to stderr; a second call changes the level and the format.

    Args:
        level: the least that is written.
        written: the format; what ``format_of`` says by default.

    Raises:
        UsageError: if the variable of the format says something else.
    """
    _Chosen.written = written or format_of()
    _LOGGER.setLevel(level)
    _LOGGER.propagate = False
    own = next((handler for handler in _LOGGER.handlers if isinstance(handler, StderrHandler)), None)
    if own is None:
        own = StderrHandler()
        _LOGGER.addHandler(own)
    own.setFormatter(_formatter())


def _formatter() -> logging.Formatter:
    if _Chosen.written == "human":
        return HumanFormatter(in_colour=colours_wanted(sys.stderr.isatty()))
    return JsonFormatter()


def log(event: str, /, level: int = logging.INFO, **fields: Any) -> None:
    """Write one event with its fields and those of the enclosing ``log_context``."""
    _LOGGER.log(level, event, extra={"fields": {**(_CONTEXT.get() or {}), **fields}})


def warn(event: str, /, **fields: Any) -> None:
    """Write one event that a person should look at."""
    log(event, logging.WARNING, **fields)


@contextmanager
def log_context(**fields: Any) -> Iterator[None]:
    """Add fields to every log line written inside the block, and to an error that leaves it."""
    token = _CONTEXT.set({**(_CONTEXT.get() or {}), **fields})
    try:
        yield
    except BaseException as error:
        error.__dict__.setdefault(_ERROR_CONTEXT, _CONTEXT.get())  # the innermost block knows most
        raise
    finally:
        _CONTEXT.reset(token)


def add_to_context(**fields: Any) -> None:
    """Add fields to every log line from here to the end of the innermost ``log_context``."""
    _CONTEXT.set({**(_CONTEXT.get() or {}), **fields})


def context_of(error: BaseException) -> dict[str, Any]:
    """Return the fields of the innermost ``log_context`` that an error left: where it happened."""
    context: dict[str, Any] = error.__dict__.get(_ERROR_CONTEXT) or {}
    return context


@contextmanager
def timed(step: str, seconds: dict[str, float], **fields: Any) -> Iterator[None]:
    """Log the start and end of a step and add its wall-clock seconds to ``seconds[step]``.

    The run that goes on (``core.run_figures``) is told the seconds even where an error ends the step.
    """
    with log_context(step=step, **fields), measured(step):
        log("step started")
        started = time.monotonic()
        yield
        took = time.monotonic() - started
        seconds[step] = round(seconds.get(step, 0.0) + took, 2)
        log("step finished", seconds=round(took, 2))
