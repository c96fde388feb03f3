"""What trainings and evaluations leave: snapshots, checkpoints, runs that never ended.

Only what this program names is looked at; other folders beside stay. A snapshot or checkpoint that was used
lately stays too: a training that was killed goes on from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from uae_model.config import Config
from uae_model.core.any_storage import filesystem_of
from uae_model.core.errors import AnotherRunError
from uae_model.core.locks import alone_in
from uae_model.core.logs import log
from uae_model.core.usage import Usage
from uae_model.snapshot.own_folder import remove_folder

SNAPSHOT = re.compile(r"(?:plays-v\d+|evaluation)-[0-9a-f]+")
CHECKPOINTS = re.compile(r"[0-9a-f]{12,64}")
OWN_FILES = re.compile(r"files-[0-9a-f]+")
EVALUATION = "evaluation"
"""Folder of the checkpoints of an evaluation's trainings, one folder each."""

ABANDONED = timedelta(days=1)
"""Age of the newest file of a snapshot that was never finished, by which its writer is taken for dead."""


@dataclass(frozen=True)
class Leftover:
    """A folder: where it is, what it takes, when a file of it was last written."""

    path: str
    usage: Usage
    used_at: datetime


def old_snapshots(config: Config, now: datetime) -> list[Leftover]:
    """Return snapshots not used for ``retention.training_days``, and what killed runs left in others."""
    old = []
    for folder in _folders(config.paths.snapshots, SNAPSHOT):
        if now - folder.used_at > timedelta(days=config.retention.training_days):
            old.append(folder)
        else:
            old += [own for own in _unnamed_files(folder.path) if now - own.used_at > ABANDONED]
    return old


def old_checkpoints(config: Config, now: datetime) -> list[Leftover]:
    """Return the folders of trainings that nobody went on with for ``retention.training_days``."""
    root = config.paths.checkpoints.rstrip("/")
    folders = [*_folders(root, CHECKPOINTS), *_folders(f"{root}/{EVALUATION}", CHECKPOINTS)]
    return [
        folder for folder in folders if now - folder.used_at > timedelta(days=config.retention.training_days)
    ]


def remove_unless_locked(leftover: Leftover) -> bool:
    """Remove a folder of checkpoints; False where a training holds its lock."""
    try:
        with alone_in(leftover.path, "training"):
            remove_folder(leftover.path)
    except AnotherRunError as error:
        log("a training is going on there", folder=leftover.path, reason=str(error))
        return False
    return True


def _folders(location: str, name: re.Pattern[str]) -> Iterator[Leftover]:
    """Yield the folders of a location whose names fit, and that hold a file."""
    filesystem, path = filesystem_of(location)
    if not filesystem.exists(path):
        return
    for entry in sorted(filesystem.ls(path, detail=True), key=lambda entry: str(entry["name"])):
        below = str(entry["name"]).rstrip("/")
        if entry["type"] != "directory" or not name.fullmatch(below.rsplit("/", 1)[1]):
            continue
        files = _files(filesystem, below)
        if files:
            newest = max(_modified(filesystem, file) for file in files)
            yield Leftover(filesystem.unstrip_protocol(below), _usage(files), newest)


def _unnamed_files(root: str) -> Iterator[Leftover]:
    """Yield the folders of files in a snapshot that its description does not name."""
    filesystem, path = filesystem_of(root)
    # Not by a pattern: the name of a folder above may have brackets.
    names = [str(entry["name"]) for entry in filesystem.ls(path, detail=True)]
    descriptions = [name for name in names if name.endswith(".json")]
    described = "".join(filesystem.cat_file(file).decode() for file in descriptions)
    for folder in _folders(root, OWN_FILES):
        if f"{folder.path.rsplit('/', 1)[1]}/" not in described:
            yield folder


def _files(filesystem: Any, path: str) -> list[dict[str, Any]]:
    return list(filesystem.find(path, detail=True).values()) if filesystem.exists(path) else []


def _usage(files: list[dict[str, Any]]) -> Usage:
    return Usage(len(files), sum(int(file["size"] or 0) for file in files))


def _modified(filesystem: Any, file: dict[str, Any]) -> datetime:
    moment: datetime = filesystem.modified(file["name"])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
