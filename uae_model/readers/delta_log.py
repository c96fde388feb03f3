"""Which files a version of a Delta table consists of, read from its log by pyarrow alone.

The published tables use nothing of Delta that changes what a reader has to do: no deletion vectors, no
column mapping (``uae_model.lake.contracts`` keeps both off). So ``add`` and ``remove`` actions say all, and
a reader needs neither Spark nor the package ``deltalake``, which alone takes 145 MB on disk.

Source: Delta's PROTOCOL.md, "Delta Log Entries", "Checkpoints" and "Action Reconciliation".
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote

import pyarrow as pa

from uae_model.core.delta_actions import days_with_other_rows
from uae_model.core.errors import ContractError, InputError
from uae_model.core.filesystems import StorageOptions
from uae_model.core.locations import plain_path
from uae_model.readers.nearby import tables_near
from uae_model.readers.storage import REQUESTS_AT_ONCE, ArrowStorage, Storage

COMMIT = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet")
"""A checkpoint in one file, or one of so many parts."""

HARMLESS_FEATURES = frozenset({"timestampNtz", "vacuumProtocolCheck"})
"""Reader features of Delta that leave the files and their rows as the log's ``add`` actions say."""

LONG_WAY = 20
"""Commits that are not read one by one where a checkpoint spares them."""


class UnreadableTableError(ContractError):
    """A table asks its readers for what only Spark can do."""


def files_of_version(
    table: str, version: int | None = None, storage_options: StorageOptions | None = None
) -> list[str]:
    """Return the data files of one version of a table, the newest by default, sorted.

    Args:
        table: its folder or URI; the files' names start with it.
        version: of its Delta log.
        storage_options: how S3 is reached, see ``core.filesystems.open_location``.

    Raises:
        ContractError: if there is no such table or version, or if the table needs more than this can do.
    """
    log = DeltaLog(table, storage_options=storage_options)
    ((_, state),) = log.states({log.newest if version is None else version})
    return state.files()


class FilesOfVersion:
    """The data files of a version, as the actions up to it leave them."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._paths: dict[str, set[str]] = defaultdict(set)

    def apply(self, action: Mapping[str, Any]) -> None:
        """Apply one action of the log; those that concern only writers change nothing."""
        if action.get("protocol"):
            _require_readable(self._table, action["protocol"])
        if action.get("add"):
            path = action["add"]["path"]
            self._paths[_folder_in_table(path)].add(path)
        if action.get("remove"):
            path = action["remove"]["path"]
            self._paths[_folder_in_table(path)].discard(path)

    def files(self) -> list[str]:
        """Return all files with the table's folder before them, sorted."""
        return sorted(name for folder in list(self._paths) for name in self.of_folder(folder))

    def of_folder(self, folder: str) -> list[str]:
        """Return the files in one folder of the table, such as that of a partition, sorted.

        The log keeps names as URLs relative to the table's folder.
        """
        return sorted(f"{self._table}/{unquote(path)}" for path in self._paths.get(folder, ()))


class DeltaLog:
    """The log of a table: its commits and checkpoints by their versions.

    Args:
        table: its folder or URI; the files' names start with it.
        storage: that it lies on; what pyarrow makes of the location by default.
        storage_options: how pyarrow reaches S3, see ``core.filesystems.open_location``.

    Raises:
        ContractError: if there is no such table.
    """

    def __init__(
        self, table: str, storage: Storage | None = None, storage_options: StorageOptions | None = None
    ) -> None:
        self.table = _folder_of(table.rstrip("/")) if storage is None else table.rstrip("/")
        self.storage: Storage = ArrowStorage(self.table, storage_options) if storage is None else storage
        self._commits: dict[int, str] = {}
        self._checkpoints: dict[int, list[str]] = {}
        self._list(f"{self.table}/_delta_log")
        if not self._commits and not self._checkpoints:
            raise ContractError(
                f"there is no Delta table at {self.table}; {tables_near(self.table, self.storage)}"
            )

    @property
    def newest(self) -> int:
        """The newest version."""
        return max({*self._commits, *self._checkpoints})

    def has(self, version: int) -> bool:
        """Tell whether a version's files can still be told from the log."""
        return version <= self.newest and self._gap(self._start(version), version) is None

    def states(self, versions: Collection[int]) -> Iterator[tuple[int, FilesOfVersion]]:
        """Yield the files of each of some versions, oldest first; take what is needed before the next one.

        Each is made of the last checkpoint before it, or of the version before it, and the commits since.

        Raises:
            ContractError: if there is no such version, or if the table needs more than this can do.
        """
        state, reached = FilesOfVersion(self.table), -1
        is_empty = True
        for version in sorted(versions):
            start = self._start(version)
            is_far = is_empty or start - reached > LONG_WAY or self._gap(reached, start) is not None
            if start > reached and is_far:
                state, reached = FilesOfVersion(self.table), start
                for part in self._checkpoints[start]:
                    self._apply_checkpoint(part, state)
            gap = self._gap(reached, version)
            if gap is not None or version > self.newest:
                self._raise_missing(version)
            for number in range(reached + 1, version + 1):
                for action in self._actions(number):
                    state.apply(action)
            reached, is_empty = version, False
            yield version, state

    def version_at(self, moment: datetime) -> int:
        """Return the version that the table had at a moment, by the times that its commits tell.

        A version begins when it and all before it are committed: where clocks differ, no later commit changes
        the answer for a moment that has passed.

        Raises:
            InputError: if the log tells of no version as old.
        """
        versions = sorted(self._commits)
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as requests:
            times = list(requests.map(self._committed_at, versions))
        committed = list(accumulate(times, max))
        past = bisect_right(committed, moment)
        if past == 0:
            begins = f"it begins at {committed[0].isoformat()}" if committed else "it has checkpoints alone"
            raise InputError(
                f"{self.table}: its log tells nothing of {moment.isoformat()}, {begins}; ask for a later one"
            )
        return versions[past - 1]

    def _committed_at(self, version: int) -> datetime:
        """Return when a commit was made, as it tells itself; where it does not, no later than any other.

        The file's own time is not asked: it changes when a folder is copied.
        """
        infos = [action["commitInfo"] for action in self._actions(version) if "commitInfo" in action]
        told = infos[0].get("inCommitTimestamp", infos[0].get("timestamp")) if infos else None
        return datetime.fromtimestamp((told or 0) / 1000, UTC)

    def last_changes(self, after: int) -> tuple[dict[str, int], int]:
        """Return the last version that changed rows of each day, and of the whole table, after a version.

        Versions whose commits the log does not hold any more count as changes of the whole table.
        """
        days: dict[str, int] = {}
        whole = after
        for version in range(after + 1, self.newest + 1):
            if version not in self._commits:
                whole = version
                continue
            for day in days_with_other_rows(self._actions(version)):
                if day is None:
                    whole = version
                else:
                    days[day] = version
        return days, whole

    def _start(self, version: int) -> int:
        """Return the last checkpoint up to a version; -1 where there is none."""
        return max((known for known in self._checkpoints if known <= version), default=-1)

    def _gap(self, reached: int, version: int) -> int | None:
        """Return the first commit that lacks on the way from one version to another."""
        return next((v for v in range(reached + 1, version + 1) if v not in self._commits), None)

    def _list(self, folder: str) -> None:
        for name in self.storage.names(folder):
            if match := COMMIT.fullmatch(name):
                self._commits[int(match[1])] = f"{folder}/{name}"
            elif match := CHECKPOINT.fullmatch(name):
                parts = self._checkpoints.setdefault(int(match[1]), [])
                parts.append(f"{folder}/{name}")
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

    def _actions(self, version: int) -> Iterator[dict[str, Any]]:
        with self.storage.open(self._commits[version]) as file:
            lines = file.read().decode().splitlines()
        yield from (json.loads(line) for line in lines if line.strip())

    def _apply_checkpoint(self, path: str, state: FilesOfVersion) -> None:
        import pyarrow.parquet as pq

        with self.storage.open(path) as file:
            table: pa.Table = pq.ParquetFile(file).read(columns=["add.path", "protocol"])
        for row in table.to_pylist():
            state.apply({name: action for name, action in row.items() if action and any(action.values())})


def _folder_in_table(path: str) -> str:
    """Return the folder of a file that the log names, below the table's: ``dt=2026-01-05``."""
    return unquote(path).rpartition("/")[0]


def _require_readable(table: str, protocol: Mapping[str, Any]) -> None:
    """Raise ContractError where the table asks its readers for what this one cannot do."""
    version = protocol["minReaderVersion"]
    needs = set(protocol.get("readerFeatures") or ()) - HARMLESS_FEATURES
    if version == 2:
        needs.add("columnMapping")
    if needs or version > 3:
        raise UnreadableTableError(
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
