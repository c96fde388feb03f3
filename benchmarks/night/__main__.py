"""``python -m benchmarks.night``: whole nights at several sizes, what each step costs and how that grows.

For each size a process of its own runs two nights over a feed on disk: see ``benchmarks.night.run``. A step's
cost is a line through the sizes: CPU seconds that any night takes, and microseconds for each play more. The
second night is the one that counts, since the first one also compiles what the second finds ready. Of the
largest sizes the second day is a tenth, since a disk would hardly hold two, and the first night counts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.__main__ import PAGES, replace_block
from benchmarks.claims import conclude
from benchmarks.measure import ROOT, run_logged
from benchmarks.night.capacity import capacity_table
from benchmarks.night.lines import claims, figure, lines_of, sizes_table, table
from uae_model.pages.svg import svg_file

SIZES = (1_000_000, 10_000_000)
LARGE = 10_000_000
"""Plays from which on the second day is a tenth, and a model is trained on users of the first."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON, tables and figure; 1 if a night costs more than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.night", description=__doc__)
    parser.add_argument(
        "--plays", type=int, nargs="+", default=list(SIZES), help="of a day: at least two sizes"
    )
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "night"))
    parser.add_argument("--kept", action="store_true", help="measure no size whose result lies in --data")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "night.json"))
    parser.add_argument("--docs", action="store_true", help="also put tables and figure into docs/benchmarks")
    args = parser.parse_args(argv)
    sizes = sorted(set(args.plays))
    if len(sizes) < 2:
        parser.error("--plays: a line wants two sizes")
    folder = Path(args.data).resolve()
    results = [measured(folder / str(plays), plays, kept=args.kept) for plays in sizes]
    lines = lines_of(results)
    blocks = {"night": table(results, lines), "night sizes": sizes_table(results, lines)}
    if args.docs:
        (PAGES / "night-lines.svg").write_text(svg_file(figure(results, lines)))
        replace_block(PAGES / "capacity.md", "capacity", capacity_table(results, lines))
    return conclude(
        {"sizes": results}, args.out, blocks, claims(results, lines), "speed.md" if args.docs else None
    )


def measured(folder: Path, plays: int, *, kept: bool = False) -> dict[str, Any]:
    """Run the nights of a size in a process of its own; or take what an earlier run left."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    result, log = folder.with_suffix(".json"), folder.with_suffix(".log")
    if not (kept and result.exists()):
        _run(folder, plays, result, log)
    nights: dict[str, Any] = json.loads(result.read_text())
    return {"plays": plays, **nights}


def _run(folder: Path, plays: int, result: Path, log: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.night.run", str(folder), str(plays), str(result)]
    if plays >= LARGE:
        command += ["--second", str(plays // 10), "--train"]
    run_logged(command, log)


if __name__ == "__main__":
    sys.exit(main())
