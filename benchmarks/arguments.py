"""The options that the benchmarks of quality share."""

from __future__ import annotations

import argparse

from benchmarks.measure import ROOT


def measuring_parser(name: str, description: str | None, *, processes: int) -> argparse.ArgumentParser:
    """Return the parser of ``python -m benchmarks.NAME``, to which the benchmark adds options of its own.

    Args:
        name: of the benchmark; its results lie in ``benchmarks/NAME.json``.
        description: what it measures.
        processes: cases that are measured at the same time.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--processes", type=int, default=processes, help=f"cases at the same time (default {processes})"
    )
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / name))
    parser.add_argument("--resume", action="store_true", help="keep the results that --data holds already")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / f"{name}.json"))
    parser.add_argument("--docs", action="store_true", help="also put the tables into docs/benchmarks")
    return parser


def quality_parser(
    name: str, description: str | None, *, users: int, processes: int, seeds: int | None = 5
) -> argparse.ArgumentParser:
    """Return ``measuring_parser`` with a number of seeds and of users.

    Args:
        name: as there.
        description: as there.
        users: of a simulated world.
        processes: as there.
        seeds: of every world; None: each of its grids has a number of its own.
    """
    parser = measuring_parser(name, description, processes=processes)
    own = "the grid's own" if seeds is None else seeds
    parser.add_argument("--seeds", type=int, default=seeds, help=f"seeds of every world (default: {own})")
    parser.add_argument("--users", type=int, default=users, help=f"users of a world (default {users})")
    return parser
