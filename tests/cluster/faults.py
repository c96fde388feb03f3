"""What can happen to a run: its processes are killed or stopped, its disk or its registry fails."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil

from tests.cluster.runs import Process, Workbench

STOPPED_SECONDS = 4.0
"""How long a process is stopped, and a registry locked, that a run has to live through."""
PATIENCE = 120.0
"""Seconds until a process that a fault is meant for has turned up."""

Strike = Callable[[Process, Workbench], Callable[[], object]]
"""Do the harm; return what takes it back once the run has ended."""


@dataclass(frozen=True)
class Fault:
    """A fault of a run.

    Attributes:
        name: for people.
        strike: does it.
        is_survived: whether the run has to go on and end well; others may end, in one line.
        leaves_no_word: whether nothing is left that could say a line.
        says: what the line must hold.
    """

    name: str
    strike: Strike
    is_survived: bool = False
    leaves_no_word: bool = False
    says: str = ""


def nothing() -> None:
    """Take nothing back."""


def descendants(process: Process) -> list[psutil.Process]:
    """Return all processes that a run has started."""
    return psutil.Process(process.popen.pid).children(recursive=True)


def java_of(process: Process) -> psutil.Process:
    """Return the run's Java process, Spark's driver."""
    return next(child for child in descendants(process) if child.name() == "java")


def python_workers(process: Process) -> Iterator[psutil.Process]:
    """Yield the processes in which Spark runs Python functions."""
    for child in descendants(process):
        try:
            parent = child.parent()
            if parent and parent.name() != "java" and "pyspark.daemon" in parent.cmdline():
                yield child
        except psutil.NoSuchProcess:
            continue


def ranks(process: Process) -> Iterator[psutil.Process]:
    """Yield the training processes, rank 0 first."""
    by_rank: dict[int, psutil.Process] = {}
    for child in descendants(process):
        try:
            rank = child.environ().get("RANK")
        except psutil.NoSuchProcess:
            continue
        if rank is not None:
            by_rank.setdefault(int(rank), child)
    yield from (by_rank[rank] for rank in sorted(by_rank))


def busy(candidates: Callable[[], Iterator[psutil.Process]], process: Process) -> psutil.Process:
    """Wait for one of some processes to work; return it."""
    deadline = time.monotonic() + PATIENCE
    used: dict[int, float] = {}
    while time.monotonic() < deadline:
        assert process.popen.poll() is None, f"ended before the fault: {process.tail()}"
        for candidate in candidates():
            try:
                now = candidate.cpu_times().user
            except psutil.NoSuchProcess:
                continue
            if now > used.setdefault(candidate.pid, now):
                return candidate
        time.sleep(0.01)
    raise AssertionError(f"no process to harm turned up: {process.tail()}")


def kill_everything(process: Process, workbench: Workbench) -> Callable[[], object]:
    process.kill()
    return nothing


def kill_java(process: Process, workbench: Workbench) -> Callable[[], object]:
    java_of(process).kill()
    return nothing


def kill_python_worker(process: Process, workbench: Workbench) -> Callable[[], object]:
    busy(lambda: python_workers(process), process).kill()
    return nothing


def stop_java(process: Process, workbench: Workbench) -> Callable[[], object]:
    java = java_of(process)
    java.suspend()
    time.sleep(STOPPED_SECONDS)
    java.resume()
    return nothing


def fill_disk(process: Process, workbench: Workbench) -> Callable[[], object]:
    """Let no file of Java and its Python workers grow any more; the driver can still say what happened.

    A limit of the operating system stands in for a disk without space: every write fails for real.
    """
    java = java_of(process)
    for limited in (java, *java.children(recursive=True)):
        resource.prlimit(limited.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    return nothing


def kill_rank(process: Process, workbench: Workbench) -> Callable[[], object]:
    busy(lambda: (rank for rank in list(ranks(process))[1:]), process).kill()
    return nothing


def stop_rank(process: Process, workbench: Workbench) -> Callable[[], object]:
    stopped = busy(lambda: (rank for rank in list(ranks(process))[1:]), process)
    stopped.suspend()

    def go_on() -> None:
        if stopped.is_running():
            stopped.send_signal(signal.SIGCONT)

    return go_on


def lock_registry(process: Process, workbench: Workbench) -> Callable[[], object]:
    connection = sqlite3.connect(workbench.registry, timeout=PATIENCE, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection.close


def lock_registry_briefly(process: Process, workbench: Workbench) -> Callable[[], object]:
    unlock = lock_registry(process, workbench)
    time.sleep(STOPPED_SECONDS)
    unlock()
    return nothing


def lose_registry(process: Process, workbench: Workbench) -> Callable[[], object]:
    away = workbench.registry.with_suffix(".away")
    os.rename(workbench.registry, away)
    return lambda: os.replace(away, workbench.registry)


ALL_KILLED = Fault("driver and Java killed", kill_everything, leaves_no_word=True)
JAVA_KILLED = Fault("Java killed", kill_java)
WORKER_KILLED = Fault("Python worker killed", kill_python_worker, is_survived=True)
JAVA_STOPPED = Fault("Java stopped for seconds", stop_java, is_survived=True)
DISK_FULL = Fault("no file may grow", fill_disk, says="is full")
RANK_KILLED = Fault("rank killed", kill_rank, says="rank 1 was ended by signal 9")
RANK_STOPPED = Fault("rank stopped for good", stop_rank, says="rank")
REGISTRY_LOCKED = Fault("registry locked", lock_registry, says="registry")
REGISTRY_LOCKED_BRIEFLY = Fault("registry locked for seconds", lock_registry_briefly, is_survived=True)
REGISTRY_LOST = Fault("registry's file gone", lose_registry)
