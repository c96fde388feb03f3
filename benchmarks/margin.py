"""``python -m benchmarks.margin``: how much a play more costs this project, and its peer.

A comparison at one size holds what any run costs: the start of generated code, plans, commits. Here each
benchmark runs at two sizes, both peers in turn, and the difference in CPU seconds (of the process and all
below it) by the difference in plays is the cost of a play more. The ratio is the peer's cost by that of this
project, the median of the repeats.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.__main__ import BENCHMARKS
from benchmarks.claims import Claim, conclude
from benchmarks.measure import ROOT, as_result, measured, run_child
from uae_model.pages.markdown import markdown_table

WANTED = {"slot": 0.2, "sessions": 0.6, "scoring": 0.5, "features": 0.25}
"""Times the peer's speed that is asked for at the margin."""
SCALES = {"slot": (0.1, 0.3), "sessions": (0.1, 0.4), "scoring": (0.5, 1.5), "features": (0.1, 0.3)}
"""Shares of the full inputs: a million plays and three or four."""
TITLES = {"slot": "ingest of a slot, Spark against DuckDB with the same checks"}
PEERS_OF_SLOT = ("spark", "duckdb")
MICROSECOND = 1e-6


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON and the table of the page; 1 if a ratio is below what is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.margin", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=sorted(WANTED), default=list(WANTED))
    parser.add_argument("--repeats", type=int, default=3, help="pairs of runs of each size (default 3)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data"), help="folder for inputs")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "margin.json"))
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    args = parser.parse_args(argv)
    data = Path(args.data).resolve()
    results = {name: margin(name, data, args.repeats) for name in args.only}
    page = "speed.md" if args.docs else None
    return conclude({"results": results}, args.out, {"margin": table(results)}, claims(results), page)


def margin(name: str, data: Path, repeats: int) -> dict[str, Any]:
    """Run a benchmark at both sizes; return the cost of a play more, of each peer and repeat."""
    folders = {scale: data / f"{name}-{scale:g}" for scale in SCALES[name]}
    for scale, folder in folders.items():
        folder.mkdir(parents=True, exist_ok=True)
        run_child(name, "prepare", folder, scale)
    costs: dict[str, list[float]] = {peer: [] for peer in peers_of(name)}
    runs = []
    for _ in tqdm(range(repeats), desc=name, unit=" repeats"):
        for peer, of_peer in costs.items():
            small, large = (measured(name, peer, folder, scale, 0) for scale, folder in folders.items())
            runs += [{"peer": peer, **as_result(run)} for run in (small, large)]
            of_peer.append((large.cpu_seconds - small.cpu_seconds) / (large.units - small.units))
            print(f"{name} {peer}: {of_peer[-1] / MICROSECOND:.1f} µs a play more", file=sys.stderr)
    agrees = [run_child(name, "compare", folder, scale)[0]["agree"] for scale, folder in folders.items()]
    pairs = zip(*costs.values(), strict=True)
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    return {"ratio": ratio, "agree": all(agrees), "costs": costs, "runs": runs}


def peers_of(name: str) -> tuple[str, str]:
    """Return this project's side of a benchmark, and the other."""
    if name == "slot":
        return PEERS_OF_SLOT
    return BENCHMARKS[name].ours, BENCHMARKS[name].peer


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the costs as a Markdown table."""
    rows = []
    for name, result in results.items():
        cells = [f"{statistics.median(cost) / MICROSECOND:.1f} µs" for cost in result["costs"].values()]
        title = TITLES.get(name) or BENCHMARKS[name].title
        rows.append([title, *cells, f"{result['ratio']:.2f}x", f"{WANTED[name]:g}x"])
    header = ("a play more", "CPU here", "CPU of the peer", "ratio", "wanted")
    return markdown_table(header, rows)


def claims(results: Mapping[str, Mapping[str, Any]]) -> list[Claim]:
    """Return what the ratios are held to, and that both peers gave the same."""
    said = []
    for name, result in results.items():
        text = f"{name}: at least {WANTED[name]:g} times the peer's speed at the margin"
        said.append(Claim(text, f"{result['ratio']:.2f}", result["ratio"] >= WANTED[name]))
        said.append(Claim(f"{name}: both peers give the same", str(result["agree"]), result["agree"]))
    return said


if __name__ == "__main__":
    sys.exit(main())
