"""The licences of all pinned packages, as their own metadata states them; a page of docs/reference."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable
from email.message import Message
from pathlib import Path
from typing import cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^[A-Za-z0-9._-]+==[^\\\n]+", re.MULTILINE)
UNSPECIFIC = ("OSI Approved", "DFSG approved")
"""Classifiers that name no licence."""

READ = {
    "cuda-toolkit": "none stated; an empty package that requires those of NVIDIA",
    "huey": "MIT",
    "namex": "Apache-2.0",
    "promql-parser": "MIT",
    "skops": "MIT",
}
"""Licences of packages whose metadata states none, as their own file LICENSE says."""


def pinned(lock: Path) -> list[Requirement]:
    """Return what a lock file pins, other platforms' packages included."""
    return [Requirement(line.strip()) for line in PIN.findall(lock.read_text())]


def metadata_of(name: str) -> Message:
    """Return the metadata of an installed package."""
    return cast("Message", importlib.metadata.distribution(name).metadata)  # which it is, says the library


def licence_in(metadata: Message) -> str:
    """Return the licence that a package's metadata states: as an expression, a classifier or a word.

    Empty where it states none.
    """
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")]
    named = [name for name in (line.split(" :: ")[-1] for line in classifiers) if name not in UNSPECIFIC]
    words = (metadata.get("License") or "").strip()
    return "; ".join(named) or (words if "\n" not in words else "")


def licences(lock: Path) -> list[tuple[str, str, str]]:
    """Return name, version and licence of each package that a lock file pins for this platform.

    Raises:
        LookupError: if a package states no licence, and nobody has read its file yet.
    """
    rows = []
    for requirement in pinned(lock):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        name = canonicalize_name(requirement.name)
        licence = licence_in(metadata_of(name)) or READ.get(name)
        if licence is None:
            raise LookupError(f"{name} states no licence: read its LICENSE, and add it to READ in {__file__}")
        rows.append((name, str(requirement.specifier).removeprefix("=="), licence))
    return sorted(rows)


def other_platforms(locks: Iterable[Path]) -> list[str]:
    """Return the packages that are pinned for other platforms alone."""
    needed = [requirement for lock in locks for requirement in pinned(lock)]
    here = {one.name for one in needed if one.marker is None or one.marker.evaluate()}
    return sorted({one.name for one in needed} - here)
