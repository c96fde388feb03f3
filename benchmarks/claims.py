"""A sentence that a benchmark is held to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A sentence, what was measured, and whether it holds."""

    text: str
    measured: str
    holds: bool

    def line(self) -> str:
        """Return one line."""
        return f"{'holds' if self.holds else 'FAILS'}: {self.text}: {self.measured}"
