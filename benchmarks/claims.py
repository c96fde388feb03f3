"""Sentences that a benchmark is held to, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.__main__ import PAGES, machine, replace_block


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
    content: dict[str, Any], out: str, blocks: Mapping[str, str], claims: Sequence[Checked], page: str | None
) -> int:
    """Write the JSON, print tables and claims, fill in the blocks of a page; return the exit code.

    Args:
        content: what the JSON holds beside the machine.
        out: file of the JSON.
        blocks: Markdown by the name of its place in the page.
        claims: each is printed; the code is 1 if one does not hold.
        page: file name below docs/benchmarks; None leaves the pages alone.
    """
    Path(out).write_text(json.dumps({"machine": machine(), **content}, indent=1) + "\n")
    print("\n\n".join(blocks.values()))
    for claim in claims:
        print(claim.line(), file=sys.stderr)
    if page is not None:
        for name, text in blocks.items():
            replace_block(PAGES / page, name, text)
    return 0 if all(claim.holds for claim in claims) else 1
