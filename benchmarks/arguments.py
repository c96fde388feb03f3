"""The options that the benchmarks of quality share."""

from __future__ import annotations

import argparse

from benchmarks.measure import ROOT


def quality_parser(
    name: str, description: str | None, *, users: int | None, processes: int, seeds: int | None = 5
) -> argparse.ArgumentParser:
    """Return the parser of ``python -m benchmarks.NAME``, to which the benchmark adds options of its own.

    Args:
        name: of the benchmark; its results lie in ``benchmarks/NAME.json``.
        description: what it measures.
        users: of a simulated world; None: its worlds have sizes of their own.
        processes: cases that are measured at the same time.
        seeds: of every world; None: each of its grids has a number of its own.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    own = "the grid's own" if seeds is None else seeds
    parser.add_argument("--seeds", type=int, default=seeds, help=f"seeds of every world (default: {own})")
    if users is not None:
        parser.add_argument("--users", type=int, default=users, help=f"users of a world (default {users})")
    parser.add_argument(
        "--processes", type=int, default=processes, help=f"cases at the same time (default {processes})"
    )
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / name))
    parser.add_argument("--resume", action="store_true", help="keep the results that --data holds already")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / f"{name}.json"))
    parser.add_argument("--docs", action="store_true", help="also put the tables into docs/benchmarks")
    return parser
