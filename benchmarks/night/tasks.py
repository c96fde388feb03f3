"""What Spark's tasks read, shuffled and spilled, step by step, from the event log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

FIGURES = {
    "bytes_read": ("Input Metrics", "Bytes Read"),
    "bytes_shuffled": ("Shuffle Write Metrics", "Shuffle Bytes Written"),
    "bytes_spilled": ("Disk Bytes Spilled",),
    "task_cpu_nanoseconds": ("Executor CPU Time",),
}
"""Of a task, by the keys that lead to each in Spark's event log."""


def figures_of_steps(log: Path, steps: Sequence[dict[str, Any]]) -> list[dict[str, int]]:
    """Return the sums of each step's tasks; a task belongs to the step in which it ended.

    Args:
        log: the folder of the event log.
        steps: in their order, each with the ``ended`` of its time, in seconds since 1970.
    """
    sums = [dict.fromkeys(FIGURES, 0) for _ in steps]
    for ended, task in _ended_tasks(log):
        place = next(
            (index for index, step in enumerate(steps) if step["began"] <= ended <= step["ended"]), None
        )
        if place is None:
            continue
        for name, keys in FIGURES.items():
            value: Any = task
            for key in keys:
                value = value.get(key, 0) if isinstance(value, dict) else 0
            sums[place][name] += int(value)
    return sums


def _ended_tasks(log: Path) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield the time at which each task ended and its figures."""
    for file in sorted(log.rglob("events_*")):
        with file.open() as lines:
            for line in lines:
                if '"SparkListenerTaskEnd"' in line:
                    event = json.loads(line)
                    yield event["Task Info"]["Finish Time"] / 1000, event.get("Task Metrics") or {}
