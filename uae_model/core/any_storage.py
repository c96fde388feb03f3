"""Files on any storage without Spark: S3 by pyarrow, which this project has anyway, all others by fsspec."""

from __future__ import annotations

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.arrow import ArrowFSWrapper

from uae_model.core.filesystems import is_on_s3, open_location
from uae_model.core.usage import Usage


def filesystem_of(location: str) -> tuple[AbstractFileSystem, str]:
    """Return the file system of a folder or file, and the path within it.

    fsspec knows S3 by a package of its own, s3fs, and Hadoop's ``s3a`` not at all.

    Args:
        location: a path, or a URI; how S3 is reached is in the environment (``AWS_ENDPOINT_URL`` and so on).
    """
    if is_on_s3(location):
        filesystem, path = open_location(location)
        return ArrowFSWrapper(filesystem), path
    filesystem, path = fsspec.core.url_to_fs(location)
    return filesystem, path


def storage_usage(location: str) -> Usage:
    """Return the files and bytes below a folder; none where it is not there."""
    filesystem, path = filesystem_of(location)
    if not filesystem.exists(path):
        return Usage()
    files = filesystem.find(path, detail=True).values()
    return Usage(len(files), sum(int(file["size"] or 0) for file in files))
