"""How much of a storage something takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """Files, hidden ones too, and their bytes."""

    files: int = 0
    size: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.files + other.files, self.size + other.size)

    def __sub__(self, other: Usage) -> Usage:
        return Usage(self.files - other.files, self.size - other.size)


def sizes_below(folder: str | Path) -> dict[str, int]:
    """Return the bytes of each file in a folder of this machine and below it, by its path.

    Where there is no such folder there are none. A file that goes away meanwhile counts as gone.
    """
    sizes = {}
    for above, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(above, name)
            try:
                sizes[path] = os.lstat(path).st_size
            except FileNotFoundError:
                continue
    return sizes


def usage_below(folder: str | Path) -> Usage:
    """Return what lies in a folder of this machine and below it."""
    sizes = sizes_below(folder)
    return Usage(len(sizes), sum(sizes.values()))
