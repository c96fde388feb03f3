"""``python -m benchmarks.night``: whole nights at several sizes, what each step costs and how that grows.

For each size a process of its own runs two nights over a feed on disk: see ``benchmarks.night.run``. A step's
cost is a line through the sizes: CPU seconds that any night takes, and microseconds for each play more. The
second night is the one that counts, since the first one also compiles what the second finds ready.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import Claim, conclude
from benchmarks.measure import ROOT
from uae_model.pages.markdown import markdown_table

SIZES = (1_000_000, 10_000_000)
COUNTED = ("feed", "plays", "scores", "publications")
"""The steps whose cost a play more is held to ``LIMIT``."""
LIMIT = 40.0
"""Microseconds of CPU time for a play more, all of these steps together, with the default features."""

NAMES = {
    "feed": "ingest",
    "plays": "sessions",
    "feature_partials": "partials",
    "features": "features",
    "feature_health": "feature health",
    "scores": "score",
    "publications": "publish",
    "report": "report",
}
MOVED = ("read", "written", "shuffled", "spilled")
"""What of a step's bytes is shown."""

MEGABYTE, GIGABYTE, MICROSECOND = 1e6, 1e9, 1e-6


@dataclass(frozen=True)
class Line:
    """The cost of a step: CPU seconds of any night, and for each play more, with its standard error.

    The error is None where there are but two sizes, which any line meets.
    """

    fixed: float
    marginal: float
    error: float | None

    @classmethod
    def through(cls, plays: Sequence[int], seconds: Sequence[float]) -> Line:
        """Return the least squares line through some nights."""
        size, cost = np.asarray(plays, float), np.asarray(seconds, float)
        spread = size - size.mean()
        slope = float((spread * cost).sum() / (spread**2).sum())
        rest = cost - cost.mean() - slope * spread
        error = None
        if len(size) > 2:
            error = float(np.sqrt((rest**2).sum() / (len(size) - 2) / (spread**2).sum()))
        return cls(float(cost.mean() - slope * size.mean()), slope, error)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON and the table of the page; 1 if a play more costs too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.night", description=__doc__)
    parser.add_argument(
        "--plays", type=int, nargs="+", default=list(SIZES), help="of a day: at least two sizes"
    )
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "night"))
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "night.json"))
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    args = parser.parse_args(argv)
    if len(set(args.plays)) < 2:
        parser.error("--plays: a line wants two sizes")
    results = [measured(Path(args.data).resolve() / str(plays), plays) for plays in sorted(args.plays)]
    lines = lines_of(results)
    page = "speed.md" if args.docs else None
    return conclude({"sizes": results}, args.out, {"night": table(results, lines)}, claims(lines), page)


def measured(folder: Path, plays: int) -> dict[str, Any]:
    """Run the nights of a size in a process of its own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    result, log = folder.with_suffix(".json"), folder.with_suffix(".log")
    command = [sys.executable, "-m", "benchmarks.night.run", str(folder), str(plays), str(result)]
    with log.open("w") as told:
        subprocess.run(
            command,
            check=True,
            cwd=ROOT,
            stdout=told,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        )
    nights: dict[str, Any] = json.loads(result.read_text())
    return {"plays": plays, **nights}


def lines_of(results: Sequence[Mapping[str, Any]]) -> dict[str, Line]:
    """Return the cost of each step, of the second night of each size."""
    nights = [result["nights"][-1] for result in results]
    steps = [step["step"] for step in nights[0]["steps"] if step["step"] in NAMES]
    return {
        name: Line.through(
            [night["plays"] for night in nights], [_of(night, name)["cpu_seconds"] for night in nights]
        )
        for name in steps
    }


def table(results: Sequence[Mapping[str, Any]], lines: Mapping[str, Line]) -> str:
    """Return the steps as a Markdown table: the lines, and what the largest night took."""
    night = results[-1]["nights"][-1]
    rows = []
    for name, line in lines.items():
        step = _of(night, name)
        if step["seconds"] < 0.1:
            continue  # nothing to do with these features
        error = "" if line.error is None else f" ± {line.error / MICROSECOND:.1f}"
        rows.append(
            [
                NAMES[name],
                f"{line.fixed:.0f} s",
                f"{line.marginal / MICROSECOND:.1f} µs{error}",
                f"{step['seconds']:.0f} s",
                f"{night['plays'] / step['cpu_seconds']:,.0f}",
                f"{step['peak_bytes'] / GIGABYTE:.1f} GB",
                *[
                    f"{step[f'bytes_{what}'] / MEGABYTE:,.0f}"
                    for what in ("read", "written", "shuffled", "spilled")
                ],
            ]
        )
    header = (
        "step",
        "CPU of any night",
        "CPU of a play more",
        f"night of {night['plays']:,} plays",
        "plays a second and core",
        "peak memory",
        "MB read",
        "written",
        "shuffled",
        "spilled",
    )
    return markdown_table(header, rows)


def claims(lines: Mapping[str, Line]) -> list[Claim]:
    """Return what the nights are held to."""
    marginal = sum(lines[name].marginal for name in COUNTED) / MICROSECOND
    text = f"a play more costs at most {LIMIT:g} µs of CPU in ingest, sessions, score and publish"
    return [Claim(text, f"{marginal:.1f} µs", marginal <= LIMIT)]


def _of(night: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    step: Mapping[str, Any] = next(step for step in night["steps"] if step["step"] == name)
    return step


if __name__ == "__main__":
    sys.exit(main())
