"""Where files lie: a path of this machine, or the URI of another storage."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
SQLITE = "sqlite:///"


def plain_path(location: str) -> str:
    """Return the path that a ``file:`` URI names, and any other location as it is.

    The path is taken letter by letter, as Hadoop takes it: ``%20`` is no space.
    """
    if not location.startswith("file:"):
        return location
    return "/" + location.removeprefix("file:").lstrip("/")


def is_local(location: str) -> bool:
    """Tell whether a location is on this machine, or on a disk that is mounted there."""
    return not URI.match(plain_path(location))


def sqlite_uri(file: str, folder: Path) -> str:
    """Return the URI of an SQLite file that is named as a URI does, below ``folder`` or by a full path."""
    # In a URI both signs have a meaning of their own; the rest of a path may stand there as it is.
    base = "" if file.startswith("/") else f"{folder}/".replace("%", "%25").replace("?", "%3F")
    return f"{SQLITE}{base}{file}"


def sqlite_file(uri: str) -> Path | None:
    """Return the file that the URI of an SQLite database names; None for any other URI."""
    if not uri.startswith(SQLITE):
        return None
    return Path(unquote(uri.removeprefix(SQLITE).partition("?")[0]))
