"""The record of a run: JSON in the repository, and its table between two marks of a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START, END = "<!-- record:start -->\n", "<!-- record:end -->\n"


@dataclass(frozen=True)
class RecordOnPage:
    """Where a record and its table stand.

    Attributes:
        file: the record.
        page: the page; a machine that only runs may lack it.
        table: gives the Markdown between the marks.
    """

    file: Path
    page: Path
    table: Callable[[Mapping[str, Any]], str]

    def write(self, content: Mapping[str, Any]) -> None:
        """Write the record, and its table into the page."""
        self.file.write_text(json.dumps(content, indent=2) + "\n")
        if self.page.exists():
            self.page.write_text(self.filled_in(self.page.read_text(), content))

    def read(self) -> dict[str, Any]:
        """Return the record."""
        content: dict[str, Any] = json.loads(self.file.read_text())
        return content

    def filled_in(self, page: str, content: Mapping[str, Any]) -> str:
        """Return the text of the page with the record's table in its place."""
        before, _, rest = page.partition(START)
        return f"{before}{START}{self.table(content)}{END}{rest.partition(END)[2]}"
