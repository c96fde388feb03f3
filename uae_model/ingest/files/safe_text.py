"""What errors of readers may say: any value of a feed could be the id of a user, and no log may hold one."""

from __future__ import annotations

import re
import traceback
from pathlib import PurePath

LONGEST = 200

VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|\d{4,}")
"""What may stand for a value in the words of another program's error: what is quoted, and long numbers."""

BETWEEN_NAMES = re.compile(r"[;,\t|]")
NO_NAME = re.compile(r"[\s\"']*[\d.+-]|.*[@:]")
"""What values begin with, or hold, and names of columns do not."""


def without_values(error: BaseException) -> str:
    """Return an error's text without what may be a value, at most 200 letters."""
    return VALUE.sub("…", " ".join(str(error).split()))[:LONGEST]


def place_of(error: BaseException) -> str:
    """Return where an error was raised, as file and line of the code."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "at an unknown place"


def shown_header(text: str) -> str:
    """Return the header of a file as an error shows it, unless it holds values, as in a file without one."""
    first = text.splitlines()[0] if text else ""
    if any(NO_NAME.match(name) for name in BETWEEN_NAMES.split(first)):
        return "header (not shown: its first line holds values and no names; is the header missing?)"
    return f"header {first[:300]!r}"
