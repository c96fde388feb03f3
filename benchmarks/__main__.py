"""``python -m benchmarks``: every benchmark, this project and its peer in turn, medians of the runs."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Run, as_result, measured, run_child
from uae_model.pages.markdown import markdown_table

PAGES = ROOT / "docs" / "benchmarks"
"""The pages that show the figures, each between a pair of markers: see ``replace_block``."""


@dataclass(frozen=True)
class Benchmark:
    """Two peers of one module and the ratio of their rates that is wanted.

    The module is the one that the benchmark is called by, if no other is named.
    """

    title: str
    ours: str
    peer: str
    target: float
    core: int | None = 0
    """The CPU core that both are confined to."""
    module: str = ""
    of_features: bool = False
    """Whether it belongs to ``make bench-features`` rather than to ``make bench``."""


BENCHMARKS = {
    "sessions": Benchmark("sessions of 10 million plays, Spark against DuckDB", "spark", "duckdb", 0.4),
    "features": Benchmark(
        "44 features of 10 million plays on ten days, Spark against DuckDB",
        "spark",
        "duckdb",
        0.4,
        of_features=True,
    ),
    "nights": Benchmark(
        "features of night 60 against night 3, which has two days of history",
        "night60",
        "night3",
        1 / 1.3,
        of_features=True,
    ),
    "later_nights": Benchmark(
        "features of night 60 against night 33, whose windows are as full",
        "night60",
        "night33",
        1 / 1.3,
        module="nights",
        of_features=True,
    ),
    "feed": Benchmark("training feed, Petastorm against pyarrow", "petastorm", "pyarrow", 0.5),
    "scoring": Benchmark("scoring, Spark job against pyarrow and torch", "spark", "loop", 0.8),
    "ranks": Benchmark("training, two ranks against one", "two", "one", 1.0, core=None),
}


def main() -> int:
    """Measure, print, write JSON and the table of the page; 1 if two peers disagree on the result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(BENCHMARKS), help="default: those of make bench")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each peer (default 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full input (default 1)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data"), help="folder for inputs")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "results.json"))
    parser.add_argument("--docs", action="store_true", help="also put the tables into docs/benchmarks")
    args = parser.parse_args()
    of_features = {name for name, each in BENCHMARKS.items() if each.of_features}
    names = args.only or [name for name in BENCHMARKS if name not in of_features]
    if args.docs and 0 < len(of_features.intersection(names)) < len(names):
        parser.error("--docs fills one table: give the benchmarks of features alone, or none of them")
    data = Path(args.data).resolve()
    results = {name: measure(name, data, args.scale, args.repeats) for name in names}
    document = {"machine": machine(), "scale": args.scale, "repeats": args.repeats, "results": results}
    Path(args.out).write_text(json.dumps(document, indent=1) + "\n")
    text = table(results)
    print(text)
    if args.docs:
        replace_block(PAGES / "speed.md", "features" if of_features.issuperset(names) else "speed", text)
    return 0 if all(result["comparison"]["agree"] for result in results.values()) else 1


def measure(name: str, data: Path, scale: float, repeats: int) -> dict[str, Any]:
    """Run both peers in turn, so that a slow phase of the machine meets both; return medians."""
    benchmark = BENCHMARKS[name]
    module = benchmark.module or name
    folder = data / f"{module}-{scale:g}"
    folder.mkdir(parents=True, exist_ok=True)
    shape, _ = run_child(module, "prepare", folder, scale)
    runs: dict[str, list[Run]] = {benchmark.ours: [], benchmark.peer: []}
    for number in range(repeats):
        for peer, runs_of_peer in runs.items():
            runs_of_peer.append(measured(module, peer, folder, scale, benchmark.core))
            print(f"{name} {number + 1}/{repeats} {peer}: {runs_of_peer[-1].seconds:.1f} s", file=sys.stderr)
    comparison, _ = run_child(module, "compare", folder, scale)
    pairs = zip(runs[benchmark.ours], runs[benchmark.peer], strict=True)
    return {
        "title": benchmark.title,
        "target": benchmark.target,
        "ratio": statistics.median(ours.rate / peer.rate for ours, peer in pairs),
        "input": shape,
        "comparison": comparison,
        "peers": {peer: summary(runs_of_peer) for peer, runs_of_peer in runs.items()},
    }


def summary(runs: list[Run]) -> dict[str, Any]:
    """Return medians over the runs of a peer, and the runs."""
    return {
        "rate": statistics.median(run.rate for run in runs),
        "seconds": statistics.median(run.seconds for run in runs),
        "peak_bytes": statistics.median(run.peak_bytes for run in runs),
        "runs": [as_result(run) for run in runs],
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    """Return the figures as a Markdown table."""
    header = ("benchmark", "plays/s", "peak memory", "peer: plays/s", "peak memory", "ratio", "wanted")
    rows = []
    for result in results.values():
        ours, peer = result["peers"].values()
        cells = [
            result["title"],
            *(
                cell
                for one in (ours, peer)
                for cell in (f"{one['rate']:,.0f}", f"{one['peak_bytes'] / 1e9:.1f} GB")
            ),
            f"{result['ratio']:.2f}x",
            f"{result['target']:.2g}x",
        ]
        rows.append(cells)
    return markdown_table(header, rows)


def replace_block(page: Path, name: str, text: str) -> None:
    """Put the text between the markers ``<!-- bench NAME:start -->`` and ``<!-- bench NAME:end -->``.

    Raises:
        ValueError: if the page lacks the markers.
    """
    content = page.read_text()
    start, end = f"<!-- bench {name}:start -->", f"<!-- bench {name}:end -->"
    if start not in content or end not in content:
        raise ValueError(f"{page} lacks the lines {start} and {end}")
    before, rest = content.split(start)
    page.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}")


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


if __name__ == "__main__":
    sys.exit(main())
