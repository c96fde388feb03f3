"""URLs for Petastorm and its warnings, for the training loader and for the readers of the weights."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from fsspec import AbstractFileSystem
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import FileSystem, LocalFileSystem


def file_url(path: str) -> str:
    """Return the URL that Petastorm wants: of the whole path, for it counts from no working folder.

    Hadoop's s3a is s3 to it.
    """
    if "://" not in path:
        return f"file://{os.path.abspath(path)}"
    return "s3" + path.removeprefix("s3a") if path.startswith("s3a://") else path


def petastorm_filesystem(filesystem: FileSystem | None) -> AbstractFileSystem | None:
    """Return pyarrow's file system of another storage as Petastorm takes one; None for this machine's.

    Without it Petastorm asks for the package s3fs, and for credentials a second time.
    """
    if filesystem is None or isinstance(filesystem, LocalFileSystem):
        return None
    return ArrowFSWrapper(filesystem)


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
