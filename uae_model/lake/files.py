"""Files on any storage Spark can reach, through the cluster's own Hadoop settings."""

from __future__ import annotations

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
    """Return the data files under a file or folder, sorted; hidden ones (``_x``, ``.x``) are left out."""
    filesystem, hadoop_path = _resolve(spark, path)
    if not filesystem.exists(hadoop_path):
        return []
    files = []
    iterator = filesystem.listFiles(hadoop_path, True)
    while iterator.hasNext():
        status = iterator.next()
        if not status.getPath().getName().startswith(("_", ".")):
            files.append(
                FileStatus(status.getPath().toString(), status.getLen(), status.getModificationTime())
            )
    return sorted(files)


def touch(spark: SparkSession, path: str) -> None:
    """Create an empty file, and the folders above it."""
    filesystem, hadoop_path = _resolve(spark, path)
    filesystem.create(hadoop_path, True).close()


def _resolve(spark: SparkSession, path: str):  # type: ignore[no-untyped-def]  # py4j objects have no types
    hadoop_path = spark._jvm.org.apache.hadoop.fs.Path(path)  # type: ignore[union-attr]
    return hadoop_path.getFileSystem(spark._jsc.hadoopConfiguration()), hadoop_path
