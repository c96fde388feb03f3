"""What the tests of the documentation read: the pages, and the fenced blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = tuple(sorted((ROOT / "docs").rglob("*.md")))
TOP_LEVEL = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")
ALL_PAGES = (*TOP_LEVEL, *PAGES)

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.number}"


def name_of(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(language: str, *pages: Path) -> list[Block]:
    """Return the fenced blocks of a language in these pages, or in all."""
    return [
        Block(name_of(page), number, text)
        for page in pages or ALL_PAGES
        for number, (fenced, text) in enumerate(FENCE.findall(page.read_text()), start=1)
        if fenced == language
    ]
