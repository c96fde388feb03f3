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
from uae_model.core.atomic import write_whole
from uae_model.core.digests import NAME_DIGITS
from uae_model.core.filesystems import is_on_s3
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
    """Let a file count as used now: clean-up goes by the time of the newest file of a folder.

    On this machine it gets that time; on S3, where none can be set, an empty one is put beside it.
    """
    if is_local(file):
        os.utime(plain_path(file))
    elif is_on_s3(file):
        write_whole(f"{file}.used", "")


def remove_folder(folder: str) -> None:
    """Remove a folder of any storage that fsspec knows, where it is there."""
    filesystem, path = filesystem_of(folder)
    if filesystem.exists(path):
        filesystem.rm(path, recursive=True)
