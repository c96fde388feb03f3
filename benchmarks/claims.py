"""Sentences that a benchmark is held to, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.__main__ import machine, replace_table
from benchmarks.measure import ROOT


class Checked(Protocol):
    """Something that was claimed and measured."""

    @property
    def holds(self) -> bool:
        """Whether it is so."""
        ...

    def line(self) -> str:
        """Return one line: the claim, what was measured, whether it holds."""
        ...


@dataclass(frozen=True)
class Claim:
    """A sentence, what was measured, and whether it holds."""

    text: str
    measured: str
    holds: bool

    def line(self) -> str:
        """Return one line."""
        return f"{'holds' if self.holds else 'FAILS'}: {self.text}: {self.measured}"


def conclude(
    content: dict[str, Any], out: str, text: str, claims: Sequence[Checked], markers: tuple[str, str] | None
) -> int:
    """Write the JSON, print tables and claims, fill in the README between ``markers``; return the exit code.

    The code is 1 if a claim does not hold.
    """
    Path(out).write_text(json.dumps({"machine": machine(), **content}, indent=1) + "\n")
    print(text)
    for claim in claims:
        print(claim.line(), file=sys.stderr)
    if markers is not None:
        replace_table(ROOT / "README.md", text, markers)
    return 0 if all(claim.holds for claim in claims) else 1
