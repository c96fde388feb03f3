"""Files as Petastorm takes them, and its warnings, for the training loader and the readers of the weights."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pyarrow import NativeFile
from pyarrow.filesystem import FileSystem as OldFileSystem
from pyarrow.fs import FileSystem, FileType

from uae_model.core.filesystems import StorageOptions, is_on_s3, open_location


def file_url(path: str) -> str:
    """Return the URL that Petastorm wants: of the whole path, for it counts from no working folder.

    Of a file on S3 it is one that Petastorm takes no file system from: ``petastorm_filesystem`` has it.
    """
    if is_on_s3(path):
        return f"file:{path.partition('://')[2]}"
    return path if "://" in path else f"file://{os.path.abspath(path)}"


class FilesOnly(OldFileSystem):  # type: ignore[misc]
    """A file system of pyarrow by its former interface: the only one with which Petastorm opens a dataset.

    Petastorm looks at the files that it is given, and opens them.
    """

    def __init__(self, filesystem: FileSystem) -> None:
        self._filesystem = filesystem

    def isdir(self, path: str) -> bool:  # noqa: D102 - the former interface's
        return bool(self._filesystem.get_file_info(path).type == FileType.Directory)

    def isfile(self, path: str) -> bool:  # noqa: D102
        return bool(self._filesystem.get_file_info(path).type == FileType.File)

    def open(self, path: str, mode: str = "rb") -> NativeFile:  # noqa: D102
        return self._filesystem.open_input_file(path)


def petastorm_filesystem(
    files: Sequence[str], storage_options: StorageOptions | None = None
) -> FilesOnly | None:
    """Return the file system of files on S3 as Petastorm takes one; None, its own choice, for all others.

    Left to itself it asks for the package s3fs, whose file systems pyarrow 14 does not take from it.

    Args:
        files: paths or URIs on one storage.
        storage_options: how S3 is reached; by default as the environment says.
    """
    if not files or not is_on_s3(files[0]):
        return None
    return FilesOnly(open_location(files[0], storage_options)[0])


@contextmanager
def quiet_petastorm() -> Iterator[None]:
    """Hide the warnings that Petastorm causes in pyarrow 14, the last version it works with, and in torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=FutureWarning)
        warnings.simplefilter("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="schema_fields behavior has changed")  # to fewer matches
        # Petastorm makes tensors of Arrow's memory; nothing writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        yield
