"""What readers ask of the storage that a table lies on, and the answers of pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
from pyarrow.fs import FileSelector, FileType

from uae_model.core.errors import ContractError
from uae_model.core.filesystems import StorageOptions, open_location

REQUESTS_AT_ONCE = 16
"""Object storage answers each question after tens of milliseconds, and many at a time."""


class Storage(Protocol):
    """The files below the folder of a table, by the whole names that ``DeltaLog`` gives them."""

    def names(self, folder: str) -> list[str]:
        """Return the names of what lies in a folder; none where there is no folder."""

    def open(self, file: str) -> BinaryIO:
        """Open a file to be read."""

    def missing(self, files: Sequence[str]) -> list[str]:
        """Return those of the files that are not there."""

    def parquet_rows(self, file: str) -> int:
        """Return the rows that the footer of a Parquet file counts.

        Raises:
            ContractError: if it is no Parquet file, or cannot be read.
        """


class ArrowStorage:
    """The storage of a location that pyarrow knows: a path of this machine, or a URI such as ``s3://...``."""

    def __init__(self, location: str, storage_options: StorageOptions | None = None) -> None:
        self._filesystem, path = open_location(location, storage_options)
        self._before = location.removesuffix(path)

    def names(self, folder: str) -> list[str]:
        """Return the names of what lies in a folder; none where there is no folder."""
        path = self._path(folder)
        if self._filesystem.get_file_info(path).type != FileType.Directory:
            return []
        return [info.base_name for info in self._filesystem.get_file_info(FileSelector(path))]

    def open(self, file: str) -> Any:
        """Open a file to be read."""
        return self._filesystem.open_input_file(self._path(file))

    def missing(self, files: Sequence[str]) -> list[str]:
        """Return those of the files that are not there."""
        infos = self._filesystem.get_file_info([self._path(file) for file in files])
        return [file for file, info in zip(files, infos, strict=True) if info.type == FileType.NotFound]

    def parquet_rows(self, file: str) -> int:
        """Return the rows that the footer of a Parquet file counts.

        Raises:
            ContractError: if it is no Parquet file, or cannot be read.
        """
        import pyarrow.parquet as pq

        try:
            return int(pq.read_metadata(self._path(file), filesystem=self._filesystem).num_rows)
        except (pa.ArrowException, OSError) as error:
            raise ContractError(f"{file} cannot be read ({str(error).splitlines()[0]})") from error

    def _path(self, file: str) -> str:
        return file.removeprefix(self._before)
