"""Files that are whole or absent: whoever reads one never sees a part of it."""

from __future__ import annotations

import fsspec


def write_whole(path: str, content: str | bytes) -> None:
    """Write a file under another name first and rename it: a reader sees the old file or the new one.

    Folders above the file are made. Text is written as UTF-8.

    Args:
        path: a path, or a URI of any storage that fsspec knows.
        content: all that the file shall hold.
    """
    data = content.encode() if isinstance(content, str) else content
    filesystem, target = fsspec.core.url_to_fs(path)
    filesystem.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
    with filesystem.open(f"{target}.part", "wb") as file:
        file.write(data)
    filesystem.mv(f"{target}.part", target)
