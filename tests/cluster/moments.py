"""Moments of a run, told by the files it has begun, and readers that look on meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.cluster.runs import Process, Seen, Workbench, changed_days

PATIENCE = 600.0
"""Seconds a run may take to reach a moment, and to end after it."""


@dataclass(frozen=True)
class Moment:
    """When a run has begun so many files of a folder, such as a table with its data and its log.

    What lies on disk changes only then, so these are all the moments that differ; and unlike seconds they
    fall into the same step on a slow machine and on a fast one.

    Attributes:
        place: the folder, relative to the run's own.
        files: new ones, since the run has started.
    """

    place: str
    files: int


class EndedBeforeError(Exception):
    """A run ended well before it reached a moment: earlier runs had left it too little to write."""


class Readers:
    """Look at the published days again and again; what they see is a day before the run or after it."""

    def __init__(self, workbench: Workbench, before: Seen, after: Seen) -> None:
        self._workbench = workbench
        self._before, self._after = before, after
        self._renewed: set[object] = set()
        self._next_look = 0.0
        self.looks = 0

    def look(self) -> None:
        seen: Seen = self._workbench.seen()
        assert self._before.keys() <= seen.keys() <= self._after.keys()
        renewed = changed_days(seen, self._before)
        for day in renewed:
            assert seen[day].equals(self._after[day]), f"{day} is neither as before the run nor as after it"
        assert self._renewed <= renewed, "a day went back to what it was before"
        self._renewed |= renewed
        self.looks += 1

    def look_now_and_then(self) -> None:
        if time.monotonic() >= self._next_look:
            self.look()
            self._next_look = time.monotonic() + 0.5

    def forget(self) -> None:
        """Take the folder for new: it was put back as it was."""
        self._renewed = set()


def reach(process: Process, workbench: Workbench, moment: Moment, had: set[str], readers: Readers) -> None:
    """Wait for a moment of a run; fail if it fails before.

    Args:
        process: the run.
        workbench: its folder.
        moment: what to wait for.
        had: the files of the place when the run started.
        readers: they look on.

    Raises:
        EndedBeforeError: it ended well before.
    """
    deadline = time.monotonic() + PATIENCE
    while len(workbench.files(moment.place) - had) < moment.files:
        if (code := process.popen.poll()) is not None:
            assert code == 0, f"failed before {moment}: {process.tail()}"
            raise EndedBeforeError(moment)
        assert time.monotonic() < deadline, f"did not reach {moment}: {process.tail()}"
        readers.look_now_and_then()
        time.sleep(0.005)
