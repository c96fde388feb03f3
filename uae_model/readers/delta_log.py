"""Which files a version of a Delta table consists of, read from its log by pyarrow alone.

The published tables use nothing of Delta that changes what a reader has to do: no deletion vectors, no
column mapping (``uae_model.lake.contracts`` keeps both off). So ``add`` and ``remove`` actions say all, and
a reader needs neither Spark nor the package ``deltalake``, which alone takes 145 MB on disk.

Source: Delta's PROTOCOL.md, "Delta Log Entries", "Checkpoints" and "Action Reconciliation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import pyarrow as pa
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem

from uae_model.core.errors import ContractError
from uae_model.core.locations import plain_path

COMMIT = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet")
"""A checkpoint in one file, or one of so many parts."""

HARMLESS_FEATURES = frozenset({"timestampNtz", "vacuumProtocolCheck"})
"""Reader features of Delta that leave the files and their rows as the log's ``add`` actions say."""


def open_location(location: str) -> tuple[FileSystem, str]:
    """Return the file system and the path within it of a folder or file.

    Args:
        location: a path of this machine, or a URI of a storage that pyarrow knows (``s3://...``). The
            path of a URI is taken as it is: names of files are no URLs.
    """
    scheme, is_uri, rest = location.partition("://")
    if not is_uri:
        return LocalFileSystem(), location
    authority, _, path = rest.partition("/")
    # Hadoop's s3a and s3n are s3 to pyarrow.
    filesystem, base = FileSystem.from_uri(f"{re.sub('^s3[an]$', 's3', scheme)}://{authority}/")
    return filesystem, f"{base.rstrip('/')}/{path}" if base else path


def open_files(files: Sequence[str]) -> tuple[FileSystem | None, list[str]]:
    """Return the file system that all the files lie in, and their paths within it; None for no files."""
    if not files:
        return None, []
    filesystem, path = open_location(files[0])
    before = files[0].removesuffix(path)
    return filesystem, [file.removeprefix(before) for file in files]


def files_of_version(table: str, version: int | None = None) -> list[str]:
    """Return the data files of one version of a table, the newest by default, sorted.

    Args:
        table: its folder or URI; the files' names start with it.
        version: of its Delta log.

    Raises:
        ContractError: if there is no such table or version, or if the table needs more than this can do.
    """
    log = _Log(table)
    wanted = log.newest if version is None else version
    return log.files_of({wanted})[wanted]


def files_of_versions(table: str, versions: Collection[int]) -> dict[int, list[str]]:
    """Return the data files of several versions, as ``files_of_version``; the log is read once."""
    return _Log(table).files_of(set(versions))


@dataclass
class _State:
    """The files of a version, as the actions up to it leave them."""

    table: str
    files: set[str] = field(default_factory=set)

    def apply(self, action: Mapping[str, Any]) -> None:
        """Apply one action of the log; those that concern only writers change nothing."""
        if action.get("protocol"):
            _require_readable(self.table, action["protocol"])
        if action.get("add"):
            self.files.add(action["add"]["path"])
        if action.get("remove"):
            self.files.discard(action["remove"]["path"])

    def named(self) -> list[str]:
        """Return the files with the table's folder before them; the log keeps them as URLs relative to it."""
        return sorted(f"{self.table}/{unquote(path)}" for path in self.files)


class _Log:
    """The log of a table: its commits and checkpoints by their versions."""

    def __init__(self, table: str) -> None:
        self.table = _folder_of(table.rstrip("/"))
        self._filesystem, path = open_location(f"{self.table}/_delta_log")
        self._commits: dict[int, str] = {}
        self._checkpoints: dict[int, list[str]] = {}
        if self._filesystem.get_file_info(path).type == FileType.Directory:
            self._list(path)
        if not self._commits and not self._checkpoints:
            raise ContractError(f"there is no Delta table at {self.table}; check the folder of the tables")

    @property
    def newest(self) -> int:
        """The newest version."""
        return max({*self._commits, *self._checkpoints})

    def files_of(self, versions: set[int]) -> dict[int, list[str]]:
        """Return the files of each version: the last checkpoint before them, and the commits after it."""
        if not versions:
            return {}
        start = max((v for v in self._checkpoints if v <= min(versions)), default=-1)
        state = _State(self.table)
        for part in self._checkpoints.get(start, ()):
            self._apply_checkpoint(part, state)
        files = {start: state.named()}
        for version in range(start + 1, max(versions) + 1):
            if version not in self._commits:
                self._raise_missing(min(wanted for wanted in versions if wanted >= version))
            for action in self._actions(self._commits[version]):
                state.apply(action)
            if version in versions:
                files[version] = state.named()
        return {version: files[version] for version in versions}

    def _list(self, path: str) -> None:
        for info in self._filesystem.get_file_info(FileSelector(path)):
            if match := COMMIT.fullmatch(info.base_name):
                self._commits[int(match[1])] = info.path
            elif match := CHECKPOINT.fullmatch(info.base_name):
                parts = self._checkpoints.setdefault(int(match[1]), [])
                parts.append(info.path)
                parts.sort(key=lambda part: (len(part), part))
        # A writer that was interrupted may have left some parts of a checkpoint; the commits are there still.
        for version, parts in list(self._checkpoints.items()):
            match = CHECKPOINT.fullmatch(parts[-1].rsplit("/", 1)[-1])
            if match and match[2] and len(parts) != int(match[2]):
                del self._checkpoints[version]

    def _raise_missing(self, version: int) -> NoReturn:
        raise ContractError(
            f"{self.table} has no version {version} (the newest is {self.newest}): it was never written, "
            "or its retention is over"
        )

    def _actions(self, path: str) -> Iterator[dict[str, Any]]:
        with self._filesystem.open_input_file(path) as file:
            lines = file.read().decode().splitlines()
        yield from (json.loads(line) for line in lines if line.strip())

    def _apply_checkpoint(self, path: str, state: _State) -> None:
        import pyarrow.parquet as pq

        with self._filesystem.open_input_file(path) as file:
            table: pa.Table = pq.ParquetFile(file).read(columns=["add.path", "protocol"])
        for row in table.to_pylist():
            state.apply({name: action for name, action in row.items() if action and any(action.values())})


def _require_readable(table: str, protocol: Mapping[str, Any]) -> None:
    """Raise ContractError where the table asks its readers for what this one cannot do."""
    version = protocol["minReaderVersion"]
    needs = set(protocol.get("readerFeatures") or ()) - HARMLESS_FEATURES
    if version == 2:
        needs.add("columnMapping")
    if needs or version > 3:
        raise ContractError(
            f"{table} needs a reader of Delta version {version} with {', '.join(sorted(needs)) or 'more'}; "
            "read it with Spark (uae_model.readers.spark)"
        )


def _folder_of(table: str) -> str:
    """Return the folder of a table; of a ``file:`` URI the one that exists.

    Hadoop takes the path of a URI letter by letter, Python (``Path.as_uri``) writes a space as ``%20``.
    """
    plain = plain_path(table)
    is_quoted = table.startswith("file:") and not Path(plain).exists()
    return unquote(plain) if is_quoted else plain
