"""Calls in processes of their own, a few at a time: how the benchmarks of quality measure their cases."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

Case = TypeVar("Case")


class Named(Protocol):
    """A case with a name that serves as that of a file."""

    @property
    def name(self) -> str:
        """The name, unique among the cases."""
        ...


NamedCase = TypeVar("NamedCase", bound=Named)


def in_processes(
    function: Callable[..., dict[str, Any]], calls: Mapping[Case, tuple[Any, ...]], processes: int
) -> Iterator[tuple[Case, dict[str, Any]]]:
    """Yield each case with what the function returned for its arguments, as the calls finish.

    Every call has a fresh process and one thread, so that cases do not disturb each other.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, max_tasks_per_child=1) as pool:
        running = {pool.submit(function, *arguments): case for case, arguments in calls.items()}
        for future in tqdm(as_completed(running), total=len(running), desc="cases", unit="case"):
            yield running[future], future.result()


def kept_results(
    function: Callable[..., dict[str, Any]],
    calls: Mapping[NamedCase, tuple[Any, ...]],
    folder: Path,
    processes: int,
    *,
    resume: bool,
) -> list[dict[str, Any]]:
    """Return the result of each case; every one is kept as a file as soon as it is there.

    With ``resume`` a case whose file the folder holds already is not called again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {case: folder / f"{case.name}.json" for case in calls}
    known = {case: json.loads(file.read_text()) for case, file in files.items() if resume and file.exists()}
    missing = {case: arguments for case, arguments in calls.items() if case not in known}
    for case, result in in_processes(function, missing, processes):
        known[case] = result
        files[case].write_text(json.dumps(result, indent=1) + "\n")
    return [known[case] for case in calls]
