"""Calls in processes of their own, a few at a time: how the benchmarks of quality measure their cases."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from tqdm import tqdm

Case = TypeVar("Case")


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
