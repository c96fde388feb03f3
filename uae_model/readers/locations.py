"""Folders and files as pyarrow's file systems name them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyarrow.fs import FileSystem, LocalFileSystem


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
