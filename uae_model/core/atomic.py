"""Files that are whole or absent: whoever reads one never sees a part of it."""

from __future__ import annotations

import os
import socket

from uae_model.core.any_storage import filesystem_of
from uae_model.core.filesystems import is_on_s3


def write_whole(path: str, content: str | bytes) -> None:
    """Write a file under another name first and rename it: a reader sees the old file or the new one.

    Folders above the file are made. Text is written as UTF-8. Of two processes that write the same file, the
    later one's content stays.

    Args:
        path: a path, or a URI of any storage that fsspec knows.
        content: all that the file shall hold.
    """
    data = content.encode() if isinstance(content, str) else content
    filesystem, target = filesystem_of(path)
    if is_on_s3(path):  # it shows no file before all of it is there, and knows no folders
        filesystem.pipe_file(target, data)
        return
    filesystem.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
    part = f"{target}.{socket.gethostname()}-{os.getpid()}.part"
    with filesystem.open(part, "wb") as file:
        file.write(data)
    filesystem.mv(part, target)
