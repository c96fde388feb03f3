"""What a child process writes to its standard streams, such as Spark's Java process, as events of the log."""

from __future__ import annotations

import contextvars
import logging
import os
import re
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from uae_model.core.logs import log

EVENT = "spark said"
THREAD = "spark's output"
"""Name of the thread that reads it."""

ENTRY = re.compile(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d (?P<level>[A-Z]+) ")
"""The start of an entry of Spark's own log; lines that have none belong to the entry before."""

PAUSE = 0.5
"""Seconds without a further line after which an entry is whole."""

CHUNK = 65_536
LONGEST_ENTRY = 20_000
"""Letters of an event, at most."""

STREAMS = 1, 2
"""Standard output, where Delta tells how many files a vacuum has removed, and standard error."""


@contextmanager
def children_to_log() -> Iterator[None]:
    """Give the processes that are started in the block standard streams that end in the log.

    What this process itself writes meanwhile comes out after the block. The children keep theirs as long as
    they live; a thread reads them.
    """
    reading, writing = os.pipe()
    _flush()
    own = {stream: os.dup(stream) for stream in STREAMS}
    for stream in STREAMS:
        os.dup2(writing, stream)
    os.close(writing)
    restored = threading.Event()
    context = contextvars.copy_context()  # the events name the run that started the children
    reader = threading.Thread(target=context.run, args=(_read, reading, restored), daemon=True, name=THREAD)
    reader.start()
    try:
        yield
    finally:
        _flush()
        for stream, kept in own.items():
            os.dup2(kept, stream)
            os.close(kept)
        restored.set()


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _read(reading: int, restored: threading.Event) -> None:
    """Read to the end, and tell each entry as soon as it is whole."""
    entries = Entries()
    with os.fdopen(reading, "rb", buffering=0) as stream:
        while True:
            ready, _, _ = select.select([stream], [], [], PAUSE)
            data = stream.read(CHUNK) if ready else b""
            if ready and not data:
                break
            entries.take(data.decode("utf-8", "replace"))
            if restored.is_set():  # before, an event would come back here
                _tell(entries.whole(is_quiet=not ready))
    restored.wait()
    _tell(entries.whole(is_quiet=True))


def _tell(entries: list[tuple[int, str]]) -> None:
    for level, text in entries:
        with suppress(ValueError):  # standard error is closed: the process ends
            log(EVENT, level, text=text[:LONGEST_ENTRY])


class Entries:
    """Lines put together to entries: a stack trace is one with the line above it."""

    def __init__(self) -> None:
        self._begun = ""
        self._entries: list[tuple[int, list[str]]] = []

    def take(self, text: str) -> None:
        """Add a piece of output."""
        *lines, self._begun = f"{self._begun}{text}".split("\n")
        for line in lines:
            self._add(line.rstrip())

    def _add(self, line: str) -> None:
        entry = ENTRY.match(line)
        if entry is not None or not self._entries:
            level = (
                logging.getLevelNamesMapping().get(entry["level"], logging.INFO) if entry else logging.INFO
            )
            if line:
                self._entries.append((level, [line]))
        else:
            self._entries[-1][1].append(line)

    def whole(self, *, is_quiet: bool) -> list[tuple[int, str]]:
        """Return the entries that are whole: after a pause all, else all but the last."""
        if is_quiet and self._begun:
            self.take("\n")
        count = len(self._entries) if is_quiet else max(0, len(self._entries) - 1)
        told, self._entries = self._entries[:count], self._entries[count:]
        return [(level, "\n".join(lines).rstrip()) for level, lines in told]
