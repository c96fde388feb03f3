"""What the training processes say: passed on while all goes well, and read for the one that died."""

from __future__ import annotations

import io
import json
import logging
import re
import signal
from collections import deque
from collections.abc import Iterable
from typing import Any

from uae_model.core.logs import log
from uae_model.core.progress import EVENT as PROGRESS
from uae_model.core.progress import display, show_event

KEPT_LINES = 1000

DEATH = re.compile(r"rank\s*: (\d+) \(local_rank: \d+\)\s*exitcode\s*: (-?\d+)")
"""An entry of the table that torchrun ends with, over several lines."""

RAISED = re.compile(r"^(?:\[rank(\d+)\]:)?\s*((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b.*)$")
"""The line of a rank's traceback that says what was raised; torch puts the rank before it."""

OF_TORCHRUN = ("torch.distributed.elastic", "ChildFailedError")
"""What torchrun raises itself, since a rank has died."""

BY_OTHERS_DEATH = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")
"""What a rank raises because another one died before it."""


class RankOutput(io.TextIOBase):
    """Standard output as the launcher of the ranks writes to it.

    Events of the log go on to this process's log at once, and how far a rank is to its display. All other
    lines, warnings and tracebacks, are kept: a training that ends well tells them as one event, and so does
    one that fails.
    """

    def __init__(self) -> None:
        super().__init__()
        self._display = display()
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._begun = ""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Take a piece of output."""
        *whole, self._begun = f"{self._begun}{text}".split("\n")
        for line in whole:
            self._take(line)
        return len(text)

    def close(self) -> None:
        """Take what has no end of line."""
        if not self.closed and self._begun:
            self._take(self._begun)
            self._begun = ""
        self._display.close()
        super().close()

    def _take(self, line: str) -> None:
        event = _event(line)
        if event is None:
            if line.strip():
                self.lines.append(line.rstrip())
        elif event["event"] == PROGRESS:
            show_event(self._display, event)
        else:
            name, level = event.pop("event"), str(event.pop("level", "info")).upper()
            del event["time"]
            log(name, logging.getLevelNamesMapping().get(level, logging.INFO), **event)


def _event(line: str) -> dict[str, Any] | None:
    """Return a line as an event of the log, None where it is none."""
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and {"event", "time"} <= event.keys() else None


def cause_of_death(lines: Iterable[str]) -> str:
    """Return which rank ended first and how, in words, from the output of all ranks and of torchrun."""
    told = list(lines)
    ends = {int(rank): int(code) for rank, code in DEATH.findall("\n".join(told))}
    killed = {rank: code for rank, code in ends.items() if code < 0 and code != -signal.SIGTERM}
    if killed:
        rank, number = min(killed.items())
        hint = ": perhaps the memory did not suffice" if number == -signal.SIGKILL else ""
        return f"rank {rank} was ended by signal {-number} ({_signal_name(-number)}){hint}"
    raised, unnamed = _raised(told)
    # A rank that fails by itself comes before those that fail because it has gone.
    own = {rank: text for rank, text in raised.items() if not any(sign in text for sign in BY_OTHERS_DEATH)}
    first = min(own, default=min({*raised, *ends}, default=None))
    if first is None:
        return f"a rank ended: {unnamed}" if unnamed else "the ranks ended without a result"
    code = f" with exit code {ends[first]}" if first in ends else ""
    return f"rank {first} ended{code}: {raised.get(first) or unnamed or 'it said nothing'}"


def _raised(lines: Iterable[str]) -> tuple[dict[int, str], str]:
    """Return what each rank raised last, and what was raised last where no rank is named."""
    raised: dict[int, str] = {}
    unnamed = ""
    for line in lines:
        match = RAISED.match(line)
        if match is None or any(name in line for name in OF_TORCHRUN):
            continue
        if match[1] is None:
            unnamed = match[2]
        else:
            raised[int(match[1])] = match[2]
    return raised, unnamed


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "no name"
