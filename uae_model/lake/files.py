"""Files on any storage Spark can reach, through the cluster's own Hadoop settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import SparkSession


@dataclass(frozen=True, order=True)
class FileStatus:
    """One file: full path, size in bytes and time of its last change in milliseconds."""

    path: str
    size: int
    modified_ms: int


def exists(spark: SparkSession, path: str) -> bool:
    """Tell whether a file or folder exists."""
    filesystem, hadoop_path = _resolve(spark, path)
    return bool(filesystem.exists(hadoop_path))


def list_files(spark: SparkSession, path: str) -> list[FileStatus]:
    """Return the data files under a file or folder, sorted; what is hidden (``_x``, ``.x``) is left out."""
    filesystem, hadoop_path = _resolve(spark, path)
    if filesystem.getScheme() == "file":
        # Python lists a thousand files while Spark's gateway lists one, and minds no sign in a name.
        return sorted(_list_locally(filesystem.makeQualified(hadoop_path).toUri().getPath()))
    if not filesystem.exists(hadoop_path):
        return []
    files = []
    root = filesystem.makeQualified(hadoop_path).toString()
    iterator = filesystem.listFiles(hadoop_path, True)
    while iterator.hasNext():
        status = iterator.next()
        below = status.getPath().toString().removeprefix(root).split("/")
        if not any(_is_hidden(name) for name in below):
            files.append(
                FileStatus(status.getPath().toString(), status.getLen(), status.getModificationTime())
            )
    return sorted(files)


def _list_locally(root: str) -> Iterator[FileStatus]:
    if os.path.isfile(root):
        yield _status_of(root)
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if not _is_hidden(name)]
        for name in names:
            if not _is_hidden(name):
                yield _status_of(os.path.join(folder, name))


def _status_of(file: str) -> FileStatus:
    status = os.stat(file)
    return FileStatus(f"file:{file}", status.st_size, status.st_mtime_ns // 1_000_000)


def _is_hidden(name: str) -> bool:
    """Tell whether Spark would leave a file or folder out; folders of partitions may start with ``_``."""
    return name.startswith(("_", ".")) and "=" not in name


def touch(spark: SparkSession, path: str) -> None:
    """Create an empty file, and the folders above it."""
    filesystem, hadoop_path = _resolve(spark, path)
    filesystem.create(hadoop_path, True).close()


def _resolve(spark: SparkSession, path: str):  # type: ignore[no-untyped-def]  # py4j objects have no types
    hadoop_path = spark._jvm.org.apache.hadoop.fs.Path(path)  # type: ignore[union-attr]
    return hadoop_path.getFileSystem(spark._jsc.hadoopConfiguration()), hadoop_path
