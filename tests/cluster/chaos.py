"""Rounds of faults: what happens to a run, again and again, until one ends as if nothing had happened."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster import faults
from tests.cluster.conftest import Undisturbed
from tests.cluster.faults import Fault
from tests.cluster.moments import PATIENCE, EndedBeforeError, Moment, Readers, reach
from tests.cluster.runs import BEFORE, LAST_TRAINED, NIGHT, TABLES, Workbench, local, require_same_rows, start

TABLE = "tables/"
FROM_THE_START = ""
"""No file is waited for: the fault itself waits for the process that it harms."""

UNTIL_THE_END = {"tables/publications": 2, "tables/day_states": 1, "mlflow-artifacts": 1}
"""Files of the last folders that are left out: the run could end by itself before the fault."""

Event = tuple[Fault, str]
"""A fault, and the place in whose writing it happens."""


@dataclass(frozen=True)
class Round:
    """Faults that happen to a job, one after the other; each run takes over what the one before left.

    Attributes:
        job: what runs.
        arguments: its own.
        events: in the order of the places, so that each run still has to write there.
        seed: of the moments within the writing.
        is_told_alike: whether the last run tells what an undisturbed one does, whatever was done before it.
    """

    job: str
    arguments: tuple[str, ...]
    events: tuple[Event, ...]
    seed: int
    is_told_alike: bool = True

    def __str__(self) -> str:
        return f"{self.job}-{self.seed}"

    def moments(self, new_files: dict[str, int]) -> list[Moment]:
        """Draw a moment in the writing of each place."""
        draw = random.Random(self.seed)
        last = {place: files - UNTIL_THE_END.get(place, 0) for place, files in new_files.items()}
        return [
            Moment(place, draw.randint(1, last[place])) if place else Moment("tables", 0)
            for _, place in self.events
        ]


@dataclass
class Tally:
    """What came of faults, by job and fault."""

    tried: Counter[tuple[str, str]] = field(default_factory=Counter)
    survived: Counter[tuple[str, str]] = field(default_factory=Counter)
    went_on: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows_lost: int = 0
    rows_doubled: int = 0
    looks: int = 0

    def written(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "faults": [
                {
                    "job": job,
                    "fault": name,
                    "tried": tried,
                    "survived": self.survived[job, name],
                    "went_on": self.went_on[job, name],
                }
                for (job, name), tried in sorted(self.tried.items())
            ],
            "rows_lost": self.rows_lost,
            "rows_doubled": self.rows_doubled,
            "looks": self.looks,
        }

    def write(self, file: Path) -> None:
        """Write it as JSON."""
        file.write_text(json.dumps(self.written(), indent=1) + "\n")


def nightly(*events: Event, seed: int) -> Round:
    """Return a round of the night."""
    return Round("nightly", ("--date", NIGHT.isoformat()), events, seed)


def backfill(*events: Event, seed: int) -> Round:
    """Return a round of the last two days."""
    return Round("backfill", ("--from", BEFORE.isoformat(), "--to", NIGHT.isoformat()), events, seed)


def train(*events: Event, seed: int) -> Round:
    """Return a round of a training of two ranks, of which a stopped one is given up soon."""
    settings = ("training.processes=2", "training.epochs=3", "training.rank_timeout_minutes=0.2")
    return Round("train", ("--date", LAST_TRAINED.isoformat(), *_changed(settings)), events, seed)


def maintain(*events: Event, seed: int) -> Round:
    """Return a round of a maintenance that has something to do in each table.

    The retention of all is changed; rows of the first day in quarantine expire; the small files of its events
    are written together, since it is closed. What is done once is not there to be told by the next run.
    """
    settings = (
        "feed.late_days=0",
        "retention.quarantine_days=2",
        "retention.working_days=1",
        "retention.published_days=100",
    )
    return Round("maintain", tuple(_changed(settings)), events, seed, is_told_alike=False)


def _changed(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def in_tables(*events: Event) -> tuple[Event, ...]:
    """Return events whose places are tables."""
    return tuple((fault, TABLE + table if table else table) for fault, table in events)


def kills(seed: int) -> Round:
    """Return a round in which the night dies while it writes each of its tables."""
    return nightly(*in_tables(*((faults.ALL_KILLED, table) for table in IN_ORDER)), seed=seed)


IN_ORDER = ("quarantine", "events", "plays", "scores", "weights", "publications")
"""The tables as a night writes them: ingest, ingest, sessions, score, publish, publish."""

KILLED = in_tables(
    (faults.ALL_KILLED, "quarantine"),
    (faults.JAVA_KILLED, "events"),
    (faults.DISK_FULL, "plays"),
    (faults.ALL_KILLED, "scores"),
    (faults.JAVA_KILLED, "weights"),
)
FULL = in_tables(
    (faults.DISK_FULL, "quarantine"),
    (faults.DISK_FULL, "events"),
    (faults.JAVA_KILLED, "plays"),
    (faults.DISK_FULL, "scores"),
    (faults.ALL_KILLED, "publications"),
)
BESIDE = in_tables(
    # A night that finds the registry locked has its plays by then; the next ones score at once.
    (faults.REGISTRY_LOCKED, "quarantine"),
    (faults.REGISTRY_LOST, FROM_THE_START),
    (faults.WORKER_KILLED, FROM_THE_START),
    (faults.JAVA_STOPPED, "scores"),
    (faults.REGISTRY_LOCKED_BRIEFLY, "events"),
)
TRAINED = (
    (faults.REGISTRY_LOCKED, FROM_THE_START),
    (faults.ALL_KILLED, "snapshots"),
    (faults.JAVA_KILLED, "snapshots"),
    (faults.RANK_KILLED, FROM_THE_START),
    (faults.RANK_STOPPED, FROM_THE_START),
    (faults.ALL_KILLED, "mlflow-artifacts"),
)

MAINTAINED = in_tables(
    (faults.ALL_KILLED, "events"),
    (faults.JAVA_KILLED, "quarantine"),
    (faults.DISK_FULL, "plays"),
    (faults.ALL_KILLED, "scores"),
    (faults.JAVA_STOPPED, "weights"),
)

SUITE = (
    nightly(
        *in_tables(
            (faults.ALL_KILLED, "events"),
            (faults.JAVA_KILLED, "plays"),
            (faults.WORKER_KILLED, FROM_THE_START),
            (faults.DISK_FULL, "scores"),
            (faults.ALL_KILLED, "weights"),
        ),
        seed=4,
    ),
    train((faults.RANK_KILLED, FROM_THE_START), seed=4),
)
"""What the tests do each time: every kind of fault once."""

ALL = (
    *(nightly(*events, seed=seed) for seed, events in enumerate((KILLED, FULL, BESIDE, KILLED, BESIDE))),
    *(backfill(*events, seed=seed) for seed, events in enumerate((KILLED, FULL, BESIDE), 10)),
    *(train(*TRAINED, seed=seed) for seed in (20, 21)),
    *(maintain(*MAINTAINED, seed=seed) for seed in (30, 31)),
)


class Arena:
    """A folder in which rounds happen, what an undisturbed run leaves there, and the tally."""

    def __init__(self, workbench: Workbench, undisturbed: Undisturbed, tally: Tally, logs: Path) -> None:
        self._workbench, self._undisturbed, self._tally, self._logs = workbench, undisturbed, tally, logs
        self._runs = 0
        self._readers = Readers(workbench, undisturbed.seen_before, undisturbed.seen_after)

    def play(self, played: Round) -> None:
        """Let the faults of a round happen, then run once more, undisturbed; compare."""
        command = local(played.job, self._workbench, *played.arguments)
        self._put_back()
        waiting: list[tuple[str, str]] = []
        moments = played.moments(self._undisturbed.new_files)
        for (fault, _), moment in zip(played.events, moments, strict=True):
            key = (played.job, fault.name)
            self._tally.tried[key] += 1
            try:
                goes_on = self._happens(command, fault, moment)
            except EndedBeforeError:
                # What the runs before had written was not left to write; in a folder put back it is.
                assert waiting, f"a whole run does not reach {moment}"
                self._compare(waiting)
                self._put_back()
                goes_on = self._happens(command, fault, moment)
            waiting.append(key)
            if goes_on:
                self._tally.went_on[key] += 1
                self._compare(waiting)
                self._put_back()
        if waiting:
            with start(command, self._next_logs()) as process:
                assert process.wait(self._readers.look_now_and_then) == 0, process.tail()
            told = {**process.summary(), "seconds": None}
            assert told == {**self._undisturbed.summary, "seconds": None} or not played.is_told_alike
            self._compare(waiting)
        self._tally.looks += self._readers.looks
        self._readers.looks = 0

    def _put_back(self) -> None:
        self._workbench.restore()
        self._readers.forget()
        self._readers.look()

    def _happens(self, command: Sequence[str], fault: Fault, moment: Moment) -> bool:
        """Start a run and let a fault happen at a moment; return whether the run went on to its end."""
        had = self._workbench.files(moment.place)
        with start(command, self._next_logs()) as process:
            reach(process, self._workbench, moment, had, self._readers)
            heal = fault.strike(process, self._workbench)
            try:
                code = process.wait(self._readers.look_now_and_then, timeout=PATIENCE)
            finally:
                heal()
        self._readers.look()
        where = f"{fault.name} at {moment}, exit code {code}: {process.tail()}"
        assert code == 0 or not fault.is_survived, where
        if code and not fault.leaves_no_word:
            last = process.stderr.read_text().splitlines()[-1]
            assert last.startswith(f"uae {command[3]}: "), where
            assert fault.says in last, where
            assert "\nTraceback" not in process.stderr.read_text(), where
        return code == 0

    def _compare(self, waiting: list[tuple[str, str]]) -> None:
        """Compare the tables with those of the undisturbed run; the faults up to here are survived."""
        rows = self._workbench.rows()
        for table in TABLES:
            keys, expected = (
                Counter(map(str, tables[table].to_pylist())) for tables in (rows, self._undisturbed.rows)
            )
            if table != "publications":  # whose averages differ in their last digits
                self._tally.rows_lost += (expected - keys).total()
                self._tally.rows_doubled += sum(number - 1 for number in keys.values())
        require_same_rows(rows, self._undisturbed.rows)
        assert self._workbench.seen().keys() == self._undisturbed.seen_after.keys()
        assert self._workbench.models() == self._undisturbed.models
        self._tally.survived.update(waiting)
        waiting.clear()

    def _next_logs(self) -> Path:
        self._runs += 1
        return self._logs / str(self._runs)
