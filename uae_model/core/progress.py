"""How far a long step is: a bar on a terminal, now and then an event of the log elsewhere.

A training process has no terminal: what it says of its progress are events that the process which started it
shows in its own way (``uae_model.training.rank_output``).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from uae_model.core.logs import current_format, log

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

EVENT = "progress"
"""Name of the event that tells how far a step is: what, done, total, unit."""

SECONDS_BETWEEN_EVENTS = 30.0
SECONDS_BETWEEN_RELAYED = 1.0


class Display(Protocol):
    """Where progress is shown."""

    def show(self, what: str, done: float, total: float | None, unit: str) -> None:
        """Show how far a step is; a total of None is unknown."""
        ...

    def close(self) -> None:
        """Take away what was shown."""
        ...


class EventDisplay:
    """Events of the log, one of each step in so many seconds at most."""

    def __init__(self, seconds: float, *, at_once: bool = False) -> None:
        self._seconds = seconds
        self._at_once = at_once
        self._last: dict[str, float] = {}

    def show(self, what: str, done: float, total: float | None, unit: str) -> None:
        """Write an event where the last one of this step is long enough ago."""
        now = time.monotonic()
        last = self._last.setdefault(what, now - self._seconds if self._at_once else now)
        if now - last >= self._seconds:
            self._last[what] = now
            log(EVENT, what=what, done=done, total=total, unit=unit)

    def close(self) -> None:
        """Do nothing: what was written stays."""


class BarDisplay:
    """Bars at the bottom of a terminal, which lines of the log go above; they vanish when they are done."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskID] = {}

    def show(self, what: str, done: float, total: float | None, unit: str) -> None:
        """Move the bar of a step, made where there is none."""
        bars = _Bars.open()
        if what not in self._tasks:
            _Bars.users += 1
            self._tasks[what] = bars.add_task(what, total=total, figures="")
        figures = f"{done:,.0f} {unit}" if total is None else f"{done:,.0f} of {total:,.0f} {unit}"
        bars.update(self._tasks[what], completed=done, total=total, figures=figures if unit else "")
        if total is not None and done >= total:
            self._end(what)

    def close(self) -> None:
        """Take away the bars that are left."""
        for what in list(self._tasks):
            self._end(what)

    def _end(self, what: str) -> None:
        _Bars.open().remove_task(self._tasks.pop(what))
        _Bars.users -= 1
        if _Bars.users == 0:
            _Bars.stop()


class _Bars:
    """The bars of this process: a terminal has one bottom."""

    shown: Progress | None = None
    users = 0

    @classmethod
    def open(cls) -> Progress:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        if cls.shown is None:
            cls.shown = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[figures]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(file=sys.stderr),
                transient=True,
            )
            cls.shown.start()
        return cls.shown

    @classmethod
    def stop(cls) -> None:
        if cls.shown is not None:
            cls.shown.stop()
        cls.shown = None


def display() -> Display:
    """Return the display that fits where the log goes."""
    form = current_format()
    if form == "human" and sys.stderr.isatty():
        return BarDisplay()
    if form == "relayed":
        return EventDisplay(SECONDS_BETWEEN_RELAYED, at_once=True)
    return EventDisplay(SECONDS_BETWEEN_EVENTS)


class Counter:
    """Counts what is done of a step."""

    def __init__(self, shown: Display, what: str, total: float | None, unit: str, done: float) -> None:
        self._shown = shown
        self._what, self._total, self._unit, self._done = what, total, unit, done

    def advance(self, done: float = 1) -> None:
        """Say that so much more is done."""
        self._done += done
        self._shown.show(self._what, self._done, self._total, self._unit)


@contextmanager
def progress(what: str, total: float | None, unit: str, done: float = 0) -> Iterator[Counter]:
    """Show how far a step is while the block runs.

    Args:
        what: the step, in words; those that are shown at once need names that differ.
        total: how much there is to do; None where that is not known.
        unit: of what is counted, in the plural; empty where nothing can be counted.
        done: how much was done before.
    """
    shown = display()
    shown.show(what, done, total, unit)
    try:
        yield Counter(shown, what, total, unit, done)
    finally:
        shown.close()


def show_event(shown: Display, fields: Mapping[str, Any]) -> None:
    """Show the progress that an event of another process tells."""
    total = fields.get("total")
    shown.show(
        str(fields["what"]),
        float(fields["done"]),
        None if total is None else float(total),
        str(fields["unit"]),
    )
