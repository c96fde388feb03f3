"""One measured run: a process of its own, its wall-clock time, CPU time and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.2
ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Run:
    """A timed section: what was processed in it, and what it took.

    ``cpu_seconds`` sums user and system time of the process tree, threads of the JVM included.
    """

    units: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def rate(self) -> float:
        """Units per second of wall-clock time."""
        return self.units / self.seconds


@contextmanager
def timed() -> Iterator[Run]:
    """Time the block and watch its memory; the caller sets ``units``."""
    run = Run()
    before, last = _cpu_seconds_of_each(), dict[tuple[int, float], float]()

    # What a parent knows of its ended children is lost where the parent ends as well, as Spark's Python
    # daemon does: so each process counts as it was last seen, and loses what it uses after that.
    def look() -> None:
        last.update(_cpu_seconds_of_each())
        run.peak_bytes = max(run.peak_bytes, _tree_resident_bytes(os.getpid()))

    with _repeated(look):
        started = time.perf_counter()
        yield run
        run.seconds = time.perf_counter() - started
    run.cpu_seconds = sum(used - before.get(process, 0.0) for process, used in last.items())


def run_child(
    benchmark: str, action: str, folder: Path, scale: float, core: int | None = None
) -> tuple[dict[str, Any], int]:
    """Run one action of a benchmark in a process of its own; return its result and peak resident bytes.

    The peak is the largest sum over the process and all below it, sampled five times a second; pages
    that forked processes share count in each.

    Args:
        benchmark: module of this package.
        action: ``prepare``, ``compare`` or the name of a peer.
        folder: the benchmark's folder.
        scale: share of the full size.
        core: the one CPU core that the process and all below it may use.

    Raises:
        RuntimeError: if the process fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        result = Path(scratch) / "result.json"
        command = [sys.executable, "-m", "benchmarks.child", benchmark, action, str(folder), str(scale)]
        command += [str(result), "any" if core is None else str(core)]
        # What the peers print (progress bars, notes of libraries) stays out of the benchmark's own progress.
        log_file = folder / f"{action}.log"
        with log_file.open("w") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
            )
            peak = _watch(process)
        if process.returncode != 0:
            tail = "\n".join(log_file.read_text().splitlines()[-20:])
            raise RuntimeError(f"{benchmark} {action} failed with code {process.returncode}:\n{tail}")
        content: dict[str, Any] = json.loads(result.read_text())
        return content, peak


def run_logged(command: Sequence[str], log: Path) -> None:
    """Run a command from the repository's root; what it says goes into a file.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    with log.open("w") as told:
        subprocess.run(
            command,
            check=True,
            cwd=ROOT,
            stdout=told,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        )


def measured(benchmark: str, peer: str, folder: Path, scale: float, core: int | None) -> Run:
    """Return one timed run of a peer."""
    content, peak = run_child(benchmark, peer, folder, scale, core)
    return Run(**{**content, "peak_bytes": peak})


def as_result(run: Run) -> dict[str, Any]:
    """Return a run as JSON values."""
    return asdict(run)


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process and return the peak resident bytes of its tree."""
    peak = 0

    def look() -> None:
        nonlocal peak
        peak = max(peak, _tree_resident_bytes(process.pid))

    with _repeated(look):
        try:
            process.wait()
        finally:
            if process.poll() is None:  # interrupted: leave nothing running
                process.terminate()
                process.wait()
    return peak


@contextmanager
def _repeated(look: Callable[[], None]) -> Iterator[None]:
    """Look several times a second while the block runs, and once when it ends."""
    has_ended = threading.Event()

    def sample() -> None:
        while not has_ended.wait(SAMPLE_SECONDS):
            look()

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        has_ended.set()
        sampler.join()
        look()


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _tree_resident_bytes(pid: int) -> int:
    total = 0
    for process in _tree(pid):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue  # ended between the two calls
    return total


def _cpu_seconds_of_each() -> dict[tuple[int, float], float]:
    """Return the user and system time of this process and of each below it, by process id and start."""
    used = {}
    for process in _tree(os.getpid()):
        try:
            times = process.cpu_times()
            used[process.pid, process.create_time()] = times.user + times.system
        except psutil.NoSuchProcess:
            continue  # ended between the two calls
    return used
