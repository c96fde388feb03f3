"""A folder of files that one run alone writes, so that two runs at once never write over each other.

What names the files (a manifest) is put in its place last, and whole: a reader follows it to the files of one
run or of the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from uae_model.core.any_storage import filesystem_of
from uae_model.core.digests import NAME_DIGITS
from uae_model.core.locations import is_local, plain_path


@contextmanager
def own_folder(root: str) -> Iterator[str]:
    """Give the name of a new folder below ``root``, which is taken away again where the block fails."""
    name = f"files-{uuid4().hex[:NAME_DIGITS]}"
    try:
        yield name
    except BaseException:
        remove_folder(f"{root}/{name}")
        raise


def mark_used(file: str) -> None:
    """Set a file's time to now, on storage of this machine: clean-up goes by the time of the newest file."""
    if is_local(file):
        os.utime(plain_path(file))


def remove_folder(folder: str) -> None:
    """Remove a folder of any storage that fsspec knows, where it is there."""
    filesystem, path = filesystem_of(folder)
    if filesystem.exists(path):
        filesystem.rm(path, recursive=True)
