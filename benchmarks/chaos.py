"""``python -m benchmarks.chaos``: what `make chaos` counted, as the tables of docs/benchmarks/chaos.md.

The faults themselves are tests (``tests/cluster/test_chaos.py``), of which `make test` does a tenth.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.claims import Claim, conclude
from benchmarks.measure import ROOT
from uae_model.pages.markdown import markdown_table

RECORD = ROOT / "benchmarks" / "chaos.json"
FEWEST = 60
"""Faults that a full run tries."""


def main() -> int:
    """Print and fill in the tables; 1 if a claim fails."""
    content = json.loads(RECORD.read_text())
    content.pop("machine", None)
    return conclude(content, str(RECORD), tables(content), claims(content), "chaos.md")


def tables(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the table of faults, by the name of its place in the page."""
    rows = [
        [row["job"], row["fault"], str(row["tried"]), str(row["survived"]), str(row["went_on"])]
        for row in content["faults"]
    ]
    sums = [str(total(content, name)) for name in ("tried", "survived", "went_on")]
    header = ["job", "fault", "tried", "survived", "of these without another run"]
    return {"chaos": markdown_table(header, [*rows, ["all", "", *sums]], labels=2)}


def claims(content: Mapping[str, Any]) -> list[Claim]:
    """Return what must hold of a full run."""
    tried, survived = total(content, "tried"), total(content, "survived")
    return [
        Claim(f"at least {FEWEST} faults tried", str(tried), tried >= FEWEST),
        Claim("all survived", f"{survived} of {tried}", survived == tried),
        Claim("no row lost", str(content["rows_lost"]), content["rows_lost"] == 0),
        Claim("no row doubled", str(content["rows_doubled"]), content["rows_doubled"] == 0),
    ]


def total(content: Mapping[str, Any], name: str) -> int:
    """Return a count over all faults."""
    return sum(row[name] for row in content["faults"])


if __name__ == "__main__":
    sys.exit(main())
