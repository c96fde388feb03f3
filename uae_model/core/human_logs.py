"""Events of the log as a person reads them: a line each, the time first, the place before the event."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

UNSAID = ("job", "run_id", "day", "time")
"""Fields that a person at a terminal knows."""

PLACES = ("step", "slot", "table", "dt", "file", "column")
"""Fields that say where an event belongs, in the order in which they stand before it."""

LONGEST_VALUE = 100
"""Letters of a value that is no text; what is longer is for machines."""

COLOURS = {logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}
DIM = "2"


class HumanFormatter(logging.Formatter):
    """Render a record for a person; with ``in_colour`` warnings are yellow, errors red, details dim."""

    def __init__(self, *, in_colour: bool) -> None:
        super().__init__()
        self._in_colour = in_colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; a traceback stands below it."""
        fields: dict[str, Any] = dict(getattr(record, "fields", {}))
        trace = fields.pop("traceback", "") or (
            self.formatException(record.exc_info) if record.exc_info else ""
        )
        place = " ".join(str(fields.pop(name)) for name in PLACES if name in fields)
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        event = self._painted(COLOURS.get(record.levelno, ""), record.getMessage())
        details = self._painted(DIM, _details(fields))
        line = "  ".join(part for part in (self._painted(DIM, clock), place, event, details) if part)
        return f"{line}\n{trace.rstrip()}" if trace else line

    def _painted(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._in_colour and colour and text else text


def _details(fields: Mapping[str, Any]) -> str:
    told = {name: value for name, value in fields.items() if name not in UNSAID and value is not None}
    shown = {name: _value(value) for name, value in told.items()}
    short = [name for name in shown if isinstance(told[name], str) or len(shown[name]) <= LONGEST_VALUE]
    return " ".join(f"{name}={shown[name]}" for name in short)


def _value(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.5g}"


def colours_wanted(is_terminal: bool) -> bool:
    """Tell whether to paint: on a terminal, unless NO_COLOR (no-color.org) is set."""
    return is_terminal and not os.environ.get("NO_COLOR")
