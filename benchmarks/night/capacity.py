"""What nights of other sizes want, by the measured lines: arithmetic that anyone can redo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.night.lines import COUNTED, Line, counted_night, step_of
from uae_model.pages.markdown import markdown_table

NIGHTS = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 5_000_000_000)
HOUR, TERABYTE, GIGABYTE = 3600.0, 1e12, 1e9
WANTED_HOURS = 2.0
"""In how much time a night is to be done."""
KEPT_DAYS = {"feed": 30, "plays": 30, "scores": 30, "publications": 400}
"""Days of rows: a month of what a night works with, and the weights for as long as they stay published."""


def utilisation(night: Mapping[str, Any], cores: int) -> float:
    """Return the share of the cores' time that the counted steps used."""
    steps = [step_of(night, name) for name in COUNTED]
    return float(
        sum(step["cpu_seconds"] for step in steps) / (cores * sum(step["seconds"] for step in steps))
    )


def bytes_of_play(night: Mapping[str, Any]) -> dict[str, float]:
    """Return what each counted step writes of a play, in bytes."""
    return {name: step_of(night, name)["bytes_written"] / night["plays"] for name in COUNTED}


def capacity_table(results: Sequence[Mapping[str, Any]], lines: Mapping[str, Line], cores: int = 2) -> str:
    """Return what nights of several sizes want, as a Markdown table.

    Args:
        results: of the sizes that were measured, the largest last.
        lines: of the steps.
        cores: of the machine that they were measured on.
    """
    largest = counted_night(results[-1])
    share, written = utilisation(largest, cores), bytes_of_play(largest)
    kept = sum(written[name] * KEPT_DAYS[name] for name in COUNTED)
    rows = []
    for plays in NIGHTS:
        cpu = sum(line.seconds(plays) for line in lines.values())
        rows.append(
            [
                f"{plays:,}",
                f"{cpu / HOUR:,.2f}",
                f"{max(1, cpu / (share * WANTED_HOURS * HOUR)):,.0f}",
                f"{plays * sum(written.values()) / GIGABYTE:,.1f} GB",
                f"{plays * kept / TERABYTE:,.2f} TB",
                f"{plays * _scratch_bytes(largest) / GIGABYTE:,.1f} GB",
            ]
        )
    header = (
        "plays a night",
        "CPU hours",
        f"cores for {WANTED_HOURS:g} hours",
        "written a night",
        "kept: a month, weights 400 days",
        "scratch of the largest step",
    )
    return markdown_table(header, rows)


def _scratch_bytes(night: Mapping[str, Any]) -> float:
    """Return the bytes that a play leaves on the scratch disk in the step that shuffles and spills most."""
    of_steps = [step_of(night, name) for name in COUNTED]
    most: int = max(step["bytes_shuffled"] + step["bytes_spilled"] for step in of_steps)
    return most / int(night["plays"])
