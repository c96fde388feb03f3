"""Where files lie: a path of this machine, or the URI of another storage."""

from __future__ import annotations

import re

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


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
