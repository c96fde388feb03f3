"""Structured logs: one JSON object a line on stderr, with the run and step they belong to."""

from __future__ import annotations

import contextvars
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

_LOGGER = logging.getLogger("uae")
_CONTEXT: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "uae_log_context", default=None
)
_ERROR_CONTEXT = "_uae_log_context"


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


def configure_logs(level: str = "INFO") -> None:
    """Send the project's logs to stderr as JSON lines; a second call only changes the level."""
    _LOGGER.setLevel(level)
    _LOGGER.propagate = False
    if not _LOGGER.handlers:
        handler = StderrHandler()
        handler.setFormatter(JsonFormatter())
        _LOGGER.addHandler(handler)


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


def context_of(error: BaseException) -> dict[str, Any]:
    """Return the fields of the innermost ``log_context`` that an error left: where it happened."""
    context: dict[str, Any] = error.__dict__.get(_ERROR_CONTEXT) or {}
    return context


@contextmanager
def timed(step: str, seconds: dict[str, float], **fields: Any) -> Iterator[None]:
    """Log the start and end of a step and add its wall-clock seconds to ``seconds[step]``."""
    with log_context(step=step, **fields):
        log("step started")
        started = time.monotonic()
        yield
        took = time.monotonic() - started
        seconds[step] = round(seconds.get(step, 0.0) + took, 2)
        log("step finished", seconds=round(took, 2))
