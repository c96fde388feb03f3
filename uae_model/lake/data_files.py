"""Data files of a table that a task writes by Arrow, where its rows never were rows of Spark's.

Nothing here needs Spark: tasks run it. ``uae_model.lake.added`` commits what they have written.
"""

from __future__ import annotations

import os
import struct
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uae_model.core.errors import ContractError

ROWS_OF_GROUP = 262_144
"""About how many rows a row group has: some 20 MB of plays."""

WITHOUT_DICTIONARY = ("event_id",)
"""Text in which no value stands twice."""

CHECKSUM_BYTES = 512
CHECKSUM_HEADER = b"crc\x00" + struct.pack(">i", CHECKSUM_BYTES)

FILES = pa.schema(
    [("path", pa.string()), ("rows", pa.int64()), ("size", pa.int64()), ("modified_ms", pa.int64())]
)


@dataclass(frozen=True)
class DataFile:
    """A file that lies in the folder of its day, and which no commit names yet.

    Attributes:
        path: below the table's folder.
        rows: in it.
        size: in bytes.
        modified_ms: when it was written, in milliseconds since 1970.
    """

    path: str
    rows: int
    size: int
    modified_ms: int


@dataclass(frozen=True)
class FileForm:
    """What tasks need to know to write files of a table.

    Attributes:
        table: the table's name.
        folder: the table's, on this machine or on a disk that all machines share.
        schema: of a file: the table's columns but for the day.
        required: columns that may not be null.
    """

    table: str
    folder: str
    schema: pa.Schema
    required: tuple[str, ...]


def file_rows(files: Iterable[DataFile]) -> pa.RecordBatch:
    """Return files as rows, for a task to hand to the driver."""
    return pa.RecordBatch.from_pylist([asdict(file) for file in files], FILES)


def files_of_rows(rows: Iterable[Any]) -> list[DataFile]:
    """Return the files that Spark has collected as rows of ``FILES``."""
    return [DataFile(*(row[name] for name in FILES.names)) for row in rows]


def write_data_files(form: FileForm, number: int, parts: Iterable[tuple[date, pa.Table]]) -> list[DataFile]:
    """Write a file of each day that has rows, under names that no others have.

    Beside each lies the checksum that Hadoop keeps of files of this machine, so that a damaged byte is told.

    Args:
        form: of the files.
        number: of the task.
        parts: rows of a day, with the columns of the form and maybe others; days may come again.

    Raises:
        ContractError: naming a column that may not be null and is.
    """
    of_days: dict[date, _OpenFile] = {}
    try:
        for day, part in parts:
            if part.num_rows:
                of_days.setdefault(day, _OpenFile(form, day, number)).add(part)
        return [file.finished() for file in of_days.values()]
    except BaseException:
        for file in of_days.values():
            file.give_up()
        raise


def remove_data_file(form: FileForm, file: DataFile) -> None:
    """Take a file away that will not be committed, with its checksum."""
    path = f"{form.folder}/{file.path}"
    os.unlink(path)
    os.unlink(_checksum_path(path))


class _OpenFile:
    """A file of a day that rows are added to."""

    def __init__(self, form: FileForm, day: date, number: int) -> None:
        self._form, self._day = form, day
        self._path = f"dt={day.isoformat()}/part-{number:05d}-{uuid.uuid4()}.zstd.parquet"
        self._held: list[pa.Table] = []
        self._rows = 0
        self._writer: pq.ParquetWriter | None = None

    @property
    def _whole_path(self) -> str:
        return f"{self._form.folder}/{self._path}"

    def add(self, part: pa.Table) -> None:
        """Add rows; they are written once there are enough for a row group."""
        self._held.append(part.select(self._form.schema.names).cast(self._form.schema))
        if sum(one.num_rows for one in self._held) >= ROWS_OF_GROUP:
            self._write()

    def finished(self) -> DataFile:
        """Write what is left, and close the file."""
        if self._held:
            self._write()
        if self._writer is not None:
            self._writer.close()
        _write_checksum(self._whole_path)
        status = os.stat(self._whole_path)
        return DataFile(self._path, self._rows, status.st_size, status.st_mtime_ns // 1_000_000)

    def give_up(self) -> None:
        """Close the file and take it away."""
        if self._writer is not None:
            self._writer.close()
        for path in (self._whole_path, _checksum_path(self._whole_path)):
            Path(path).unlink(missing_ok=True)

    def _write(self) -> None:
        rows = pa.concat_tables(self._held)
        _require_values(rows, self._form, self._day)
        if self._writer is None:
            os.makedirs(os.path.dirname(self._whole_path), exist_ok=True)
            self._writer = pq.ParquetWriter(
                self._whole_path,
                self._form.schema,
                compression="zstd",
                use_dictionary=_names_that_repeat(self._form.schema),
                store_schema=False,  # what Arrow calls the types says nothing to other engines
            )
        self._writer.write_table(rows, ROWS_OF_GROUP)
        self._rows += rows.num_rows
        self._held = []


def _names_that_repeat(schema: pa.Schema) -> list[str]:
    """Return the columns that are written as a dictionary: text, but for names that no other row has.

    Numbers and times take less time and less room without one.
    """
    return [
        field.name
        for field in schema
        if pa.types.is_string(field.type) and field.name not in WITHOUT_DICTIONARY
    ]


def _require_values(rows: pa.Table, form: FileForm, day: date) -> None:
    for name in form.required:
        if rows[name].null_count:
            where = f"table {form.table}, dt={day.isoformat()}, column {name}"
            raise ContractError(f"{where}: {rows[name].null_count} rows have no value")


def _write_checksum(path: str) -> None:
    """Write the checksum of a file as Hadoop's ``ChecksumFileSystem`` does, and compares when it reads."""
    with open(path, "rb") as file, open(_checksum_path(path), "wb") as sums:
        sums.write(CHECKSUM_HEADER)
        while block := file.read(CHECKSUM_BYTES * 2048):
            parts = (block[at : at + CHECKSUM_BYTES] for at in range(0, len(block), CHECKSUM_BYTES))
            sums.write(b"".join(struct.pack(">I", zlib.crc32(part)) for part in parts))


def _checksum_path(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.crc"
