"""kill -9 at any moment: readers never see half a day, and another run ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from tests.cluster.conftest import UndisturbedNight
from tests.cluster.runs import (
    BEFORE,
    NIGHT,
    Seen,
    Workbench,
    changed_days,
    local_night,
    require_same_rows,
    start,
)

SEED = 4
IN_ORDER = ("quarantine", "events", "plays", "scores", "weights", "publications")
"""The tables as a night writes them: ingest, ingest, sessions, score, publish, publish."""
KILLS = len(IN_ORDER)
"""Deaths that a night has behind it before it may end."""
ROUNDS = -(-int(os.environ.get("UAE_KILLS", KILLS)) // KILLS)
"""How many nights die so often: `make kills` asks for 25 kills, the suite for 6."""
UNTIL_THE_END = {"publications": 2, "day_states": 1}
"""Files of the last tables that are left out: the night could end by itself before it is killed."""
PATIENCE = 240.0
"""Seconds a night may take to reach a moment."""


@dataclass(frozen=True)
class Moment:
    """When a night has begun so many files of a table, its data and its log.

    What lies on disk changes only then, so these are all the moments that differ; and unlike seconds they
    fall into the same step on a slow machine and on a fast one.
    """

    table: str
    files: int


def moments(new_files: dict[str, int], seed: int) -> list[Moment]:
    """Draw a moment within the writing of each table; after the first seed, of the memory as well."""
    draw = random.Random(seed)
    written = IN_ORDER if seed == SEED else (*IN_ORDER, "day_states")
    tables = sorted(draw.sample(written, KILLS), key=written.index)
    return [
        Moment(table, draw.randint(1, new_files[table] - UNTIL_THE_END.get(table, 0))) for table in tables
    ]


class Readers:
    """Look at the published days again and again; what they see is a day before the night or after it."""

    def __init__(self, workbench: Workbench, night: UndisturbedNight) -> None:
        self._workbench = workbench
        self._before, self._after = night.seen_before, night.seen_after
        self._renewed: set[object] = set()
        self._next_look = 0.0
        self.looks = 0

    def look(self) -> None:
        seen: Seen = self._workbench.seen()
        assert self._before.keys() <= seen.keys() <= self._after.keys()
        renewed = changed_days(seen, self._before)
        for day in renewed:
            assert seen[day].equals(self._after[day]), f"{day} is neither as before the night nor as after it"
        assert self._renewed <= renewed, "a day went back to what it was before"
        self._renewed |= renewed
        self.looks += 1

    def look_now_and_then(self) -> None:
        if time.monotonic() >= self._next_look:
            self.look()
            self._next_look = time.monotonic() + 0.5


def run_until(workbench: Workbench, moment: Moment, readers: Readers, logs: Path) -> None:
    """Start the night and kill it at the moment; fail if it ends before."""
    had = workbench.files(moment.table)
    deadline = time.monotonic() + PATIENCE
    with start(local_night(workbench), logs) as process:
        while len(workbench.files(moment.table) - had) < moment.files:
            assert process.popen.poll() is None, f"ended before {moment}: {process.tail()}"
            assert time.monotonic() < deadline, f"did not reach {moment}: {process.tail()}"
            readers.look_now_and_then()
            time.sleep(0.005)
        process.kill()
    readers.look()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_a_night_killed_in_step_after_step_ends_as_if_undisturbed(
    workbench: Workbench, undisturbed: UndisturbedNight, tmp_path: Path, seed: int
) -> None:
    # The night must change what readers see of both days, or there would be nothing to see half of.
    assert changed_days(undisturbed.seen_after, undisturbed.seen_before) == {BEFORE, NIGHT}
    workbench.restore()
    readers = Readers(workbench, undisturbed)
    readers.look()
    # Each run takes over what the one before left, so the last one has six deaths behind it.
    for number, moment in enumerate(moments(undisturbed.new_files, seed)):
        run_until(workbench, moment, readers, tmp_path / str(number))
    with start(local_night(workbench), tmp_path / "last") as process:
        assert process.wait(readers.look_now_and_then) == 0, process.tail()
    readers.look()
    assert readers.looks > 50
    require_same_rows(workbench.rows(), undisturbed.rows)
    told = ("dt", "plays", "sessions", "events", "carried", "quarantined", "weights", "delta_version")
    assert [process.summary()[key] for key in told] == [undisturbed.summary[key] for key in told]


class TestReaders:
    """What the readers of the test above would not put up with."""

    OLD, NEW, HALF = (pa.table({"sample_weight": rows}) for rows in ([0.5], [0.4, 0.6], [0.4]))

    def look(self, *seen: Seen) -> None:
        night: Any = SimpleNamespace(
            seen_before={BEFORE: self.OLD}, seen_after={BEFORE: self.NEW, NIGHT: self.NEW}
        )
        answers = iter(seen)
        workbench: Any = SimpleNamespace(seen=lambda: next(answers))
        readers = Readers(workbench, night)
        for _ in seen:
            readers.look()

    def test_days_turn_new_one_by_one(self) -> None:
        old, new = {BEFORE: self.OLD}, {BEFORE: self.NEW, NIGHT: self.NEW}
        self.look(old, old, {BEFORE: self.OLD, NIGHT: self.NEW}, new, new)

    @pytest.mark.parametrize("half", [{BEFORE: HALF}, {BEFORE: OLD, NIGHT: HALF}])
    def test_half_a_day_is_found(self, half: Seen) -> None:
        with pytest.raises(AssertionError, match="is neither as before the night nor as after it"):
            self.look(half)

    def test_a_day_that_is_gone_or_goes_back_is_found(self) -> None:
        with pytest.raises(AssertionError):
            self.look({NIGHT: self.NEW})
        with pytest.raises(AssertionError, match="went back"):
            self.look({BEFORE: self.NEW}, {BEFORE: self.OLD})
