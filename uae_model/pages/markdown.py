"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], labels: int = 1) -> str:
    """Return a table whose first ``labels`` columns name the row; the others are numbers, set to the right.

    A bar within a cell is escaped, since it would end the cell.

    Raises:
        ValueError: if a row has another number of cells than the header.
    """
    lines = [_line(header), "|---" * labels + "|---:" * (len(header) - labels) + "|"]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row of {len(row)} cells under a header of {len(header)}: {' | '.join(row)}")
        lines.append(_line([cell.replace("|", "\\|") for cell in row]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
