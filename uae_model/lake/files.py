"""Files on any storage Spark can reach, through the cluster's own Hadoop settings."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from uae_model.core.errors import ContractError, InputError
from uae_model.core.usage import Usage


@dataclass(frozen=True, order=True)
class FileStatus:
    """One file: full path, size in bytes, last change in milliseconds, path below what was listed."""

    path: str
    size: int
    modified_ms: int
    below: str


def exists(spark: SparkSession, path: str) -> bool:
    """Tell whether a file or folder exists."""
    filesystem, hadoop_path = _resolve(spark, path)
    return bool(filesystem.exists(hadoop_path))


def local_path(spark: SparkSession, path: str) -> str | None:
    """Return the full path of a file or folder of this machine; None where it is on other storage."""
    filesystem, hadoop_path = _resolve(spark, path)
    if filesystem.getScheme() != "file":
        return None
    return str(filesystem.makeQualified(hadoop_path).toUri().getPath())


def names(spark: SparkSession, folder: str) -> list[str]:
    """Return the names of what lies in a folder; none where there is no folder."""
    filesystem, hadoop_path = _resolve(spark, folder)
    if not filesystem.exists(hadoop_path):
        return []
    return [status.getPath().getName() for status in filesystem.listStatus(hadoop_path)]


def read_bytes(spark: SparkSession, file: str) -> bytes:
    """Return the content of a small file."""
    filesystem, hadoop_path = _resolve(spark, file)
    stream = filesystem.open(hadoop_path)
    try:
        return bytes(spark._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))  # type: ignore[union-attr]
    finally:
        stream.close()


def parquet_rows(spark: SparkSession, file: str) -> int:
    """Return the rows that the footer of a Parquet file counts.

    Raises:
        ContractError: if it is no Parquet file, or cannot be read.
    """
    parquet = spark._jvm.org.apache.parquet.hadoop  # type: ignore[union-attr]
    hadoop_path = spark._jvm.org.apache.hadoop.fs.Path(file)  # type: ignore[union-attr]
    try:
        source = parquet.util.HadoopInputFile.fromPath(hadoop_path, spark._jsc.hadoopConfiguration())
        reader = parquet.ParquetFileReader.open(source)
    except Py4JJavaError as error:
        raise ContractError(f"{file} cannot be read ({error.java_exception.getMessage()})") from error
    try:
        return int(reader.getRecordCount())
    finally:
        reader.close()


def list_files(spark: SparkSession, path: str) -> list[FileStatus]:
    """Return the data files under a file or folder, sorted; what is hidden (``_x``, ``.x``) is left out.

    Links are followed.

    Raises:
        InputError: naming what cannot be listed: files that are passed over would be rows that are lost.
    """
    filesystem, hadoop_path = _resolve(spark, path)
    if filesystem.getScheme() == "file":
        # Python lists a thousand files while Spark's gateway lists one, and minds no sign in a name.
        return sorted(_list_locally(filesystem.makeQualified(hadoop_path).toUri().getPath()))
    if not filesystem.exists(hadoop_path):
        return []
    files = []
    root = filesystem.makeQualified(hadoop_path).toString().rstrip("/")
    iterator = filesystem.listFiles(hadoop_path, True)
    while iterator.hasNext():
        status = iterator.next()
        path = status.getPath().toString()
        below = path.removeprefix(root).lstrip("/")
        if not any(_is_hidden(name) for name in below.split("/")):
            name = below or path.rsplit("/", 1)[1]
            files.append(FileStatus(path, status.getLen(), status.getModificationTime(), name))
    return sorted(files)


def _list_locally(root: str) -> Iterator[FileStatus]:
    try:
        if os.path.isdir(root):
            yield from _walk(root, "", ())
        elif os.path.lexists(root):
            yield _status_of(root, os.path.basename(root))
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; mend or remove it and run it again") from error


def _walk(folder: str, prefix: str, above: tuple[str, ...]) -> Iterator[FileStatus]:
    real = os.path.realpath(folder)
    if real in above:
        raise InputError(f"{folder}: a link leads back to a folder above it; remove it")
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            below = f"{prefix}{entry.name}"
            if entry.is_dir():
                yield from _walk(entry.path, f"{below}/", (*above, real))
            else:
                yield _status_of(entry.path, below)


def _status_of(file: str, below: str) -> FileStatus:
    status = os.stat(file)
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{file}: is neither a file nor a folder; remove it")
    try:
        file.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(file).decode("utf-8", "backslashreplace")
        raise InputError(f"{shown}: its name is not UTF-8; rename it") from None
    return FileStatus(f"file:{file}", status.st_size, status.st_mtime_ns // 1_000_000, below)


def _is_hidden(name: str) -> bool:
    """Tell whether Spark would leave a file or folder out; folders of partitions may start with ``_``."""
    return name.startswith(("_", ".")) and "=" not in name


def touch(spark: SparkSession, path: str) -> None:
    """Create an empty file, and the folders above it."""
    filesystem, hadoop_path = _resolve(spark, path)
    filesystem.create(hadoop_path, True).close()


def copy(spark: SparkSession, source: str, target: str) -> None:
    """Copy a file; the driver carries it, and one that is there is written over.

    Raises:
        ContractError: if it cannot be copied.
    """
    from_files, old = _resolve(spark, source)
    to_files, new = _resolve(spark, target)
    hadoop = spark._jvm.org.apache.hadoop.fs.FileUtil  # type: ignore[union-attr]
    try:
        hadoop.copy(from_files, old, to_files, new, False, True, spark._jsc.hadoopConfiguration())
    except Py4JJavaError as error:
        raise ContractError(
            f"{source} cannot be copied to {target} ({error.java_exception.getMessage()}); "
            "see that it is there and that the target has room, and run it again"
        ) from error


def content_summary(spark: SparkSession, path: str) -> Usage:
    """Return the files and bytes below a folder of any storage."""
    filesystem, hadoop_path = _resolve(spark, path)
    summary = filesystem.getContentSummary(hadoop_path)
    return Usage(int(summary.getFileCount()), int(summary.getLength()))


def usage_of(spark: SparkSession, path: str) -> Usage:
    """Return a file's bytes with those of the checksum that Hadoop keeps beside it; nothing for a folder."""
    filesystem, hadoop_path = _resolve(spark, path)
    if not filesystem.exists(hadoop_path) or filesystem.getFileStatus(hadoop_path).isDirectory():
        return Usage()
    usage = Usage(1, int(filesystem.getFileStatus(hadoop_path).getLen()))
    if filesystem.getScheme() != "file":
        return usage
    file = filesystem.makeQualified(hadoop_path).toUri().getPath()
    checksum = os.path.join(os.path.dirname(file), f".{os.path.basename(file)}.crc")
    return usage + Usage(1, os.path.getsize(checksum)) if os.path.exists(checksum) else usage


def _resolve(spark: SparkSession, path: str):  # type: ignore[no-untyped-def]  # py4j objects have no types
    hadoop_path = spark._jvm.org.apache.hadoop.fs.Path(path)  # type: ignore[union-attr]
    return hadoop_path.getFileSystem(spark._jsc.hadoopConfiguration()), hadoop_path
