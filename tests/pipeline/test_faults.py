"""Known errors of other programs, in one line."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
from delta import exceptions
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from uae_model.core.errors import AnotherRunError, InputError, ModelError, NotYetError
from uae_model.pipeline.faults import FAULTS, known_fault
from uae_model.registry.tracking import quiet_mlflow

CONFLICTS = (
    exceptions.ConcurrentAppendException,
    exceptions.ConcurrentDeleteDeleteException,
    exceptions.ConcurrentDeleteReadException,
    exceptions.ConcurrentTransactionException,
    exceptions.ConcurrentWriteException,
    exceptions.DeltaConcurrentModificationException,
    exceptions.MetadataChangedException,
    exceptions.ProtocolChangedException,
)

SORTING = """Job aborted due to stage failure: Task 3 failed 4 times
org.apache.spark.memory.SparkOutOfMemoryError: error while calling spill() on UnsafeExternalSorter@1 :
/scratch/blockmgr-1/0c/temp_local_2 (No space left on device)
\tat org.apache.spark.util.collection.unsafe.sort.UnsafeExternalSorter.spill
"""
WRITING = """Task failed while writing rows to file:/data/tables/plays.
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
\tat org.apache.parquet.hadoop.ParquetFileWriter.end
"""
LOG_OF_DELTA = """java.io.FileNotFoundException: /tables/plays/_delta_log/.1.json.tmp (Read-only file system)
\tat java.base/java.io.FileOutputStream.open0(Native Method)
"""
NO_SCRATCH_FOLDER = (
    "java.io.IOException: Failed to create a temp directory (under /scratch) after 10 attempts!\n\tat x"
)


class JavaError(Exception):
    """An error of py4j, whose text is in Java."""

    def __init__(self, text: str) -> None:
        super().__init__("An error occurred while calling o1.save.")
        self.java_exception = SimpleNamespace(__str__=lambda: text)
        self.text = text

    def __str__(self) -> str:
        return f"An error occurred while calling o1.save.\n: {self.text}"


def line_of(error: BaseException) -> str:
    fault = known_fault(error)
    assert fault is not None
    line = str(fault)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("kind", CONFLICTS)
def test_two_writers_of_a_table_are_two_runs_of_a_day(kind: type[Exception]) -> None:
    for error in (kind("by another"), JavaError(f"io.delta.exceptions.{kind.__name__}: by another\n\tat x")):
        fault = known_fault(error)
        assert isinstance(fault, AnotherRunError)
        assert fault.exit_code == 3
        assert str(fault).startswith("another run of this day is going on")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/data/x"),
            "/data/x: the disk is full; free space",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full; free space there and run"),
        (JavaError(WRITING), "the disk is full; free space"),
        (JavaError("java.io.IOException: Disk quota exceeded\n\tat x"), "the disk is full"),
        (
            JavaError(SORTING),
            "/scratch/blockmgr-1/0c/temp_local_2: the disk of spark.local.dir, where Spark sorts, is full",
        ),
        (JavaError(NO_SCRATCH_FOLDER), "/scratch: Spark cannot make its folder in spark.local.dir; free"),
        (
            JavaError(LOG_OF_DELTA),
            "/tables/plays/_delta_log/.1.json.tmp: this user may not read or write there; give it",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "/a"), "/a: this user may not read or write"),
        (OSError(errno.EROFS, "Read-only file system", "/a"), "/a: this user may not read or write"),
        (JavaError("java.lang.OutOfMemoryError: Java heap space"), "the memory did not suffice; give"),
        (
            JavaError("java.io.FileNotFoundException: /f/a.json (x)"),
            "/f/a.json: a file went away while it was",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/a"), "/a: a file went away"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "/m/artifacts/networks.pt"),
            "/m/artifacts/networks.pt: the artifacts of a registered model are missing; put paths.mlflow_art",
        ),
        (MlflowException("No such artifact: ''"), "the artifacts of a registered model are missing"),
    ],
)
def test_what_is_wrong_where_and_what_to_do(error: Exception, line: str) -> None:
    assert line_of(error).startswith(line)


def test_an_error_is_known_by_what_it_was_raised_from() -> None:
    failed = RuntimeError("could not save")
    failed.__cause__ = OSError(errno.ENOSPC, "No space left on device", "/data/x")
    assert line_of(failed).startswith("/data/x: the disk is full")


def test_what_nobody_knows_stays_what_it_is() -> None:
    assert known_fault(KeyError("a mistake of ours")) is None


def test_every_fault_is_tried_by_signs_that_are_patterns() -> None:
    assert len({fault.what for fault in FAULTS}) == len(FAULTS)


class TestRegistry:
    """SQLite and MLflow themselves raise."""

    def test_a_file_that_is_no_database_is_damaged(self, tmp_path: Path) -> None:
        quiet_mlflow()
        (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 100)
        with pytest.raises(Exception, match="file is not a database") as failure:
            MlflowClient(f"sqlite:///{tmp_path}/mlflow.db").search_registered_models()
        assert line_of(failure.value).startswith(
            "the registry's database (paths.mlflow) is damaged; put its file back from a backup"
        )

    @pytest.mark.parametrize(
        ("error", "kind", "line"),
        [
            (
                sqlite3.OperationalError("database is locked"),
                NotYetError,
                "the registry's database (paths.mlflow) is locked by another program; wait for its end, or",
            ),
            (
                sqlite3.DatabaseError("database disk image is malformed"),
                ModelError,
                "the registry's database (paths.mlflow) is damaged",
            ),
            (
                sqlite3.OperationalError("unable to open database file"),
                InputError,
                "the registry's database (paths.mlflow) cannot be opened",
            ),
            (sqlite3.OperationalError("database or disk is full"), InputError, "the disk is full"),
            (
                sqlite3.OperationalError("attempt to write a readonly database"),
                InputError,
                "this user may not read or write there",
            ),
        ],
    )
    def test_each_error_of_sqlite(self, error: Exception, kind: type[Exception], line: str) -> None:
        wrapped = MlflowException(f"(sqlite3.OperationalError) {error}\n[SQL: SELECT 1]")
        for raised in (error, wrapped):
            assert type(known_fault(raised)) is kind
            assert line_of(raised).startswith(line)

    def test_a_database_that_another_program_holds(self, tmp_path: Path) -> None:
        file = tmp_path / "locked.db"
        with sqlite3.connect(file) as holder:
            holder.execute("CREATE TABLE a (b)")
            holder.execute("BEGIN EXCLUSIVE")
            with (
                pytest.raises(sqlite3.OperationalError) as failure,
                sqlite3.connect(file, timeout=0) as other,
            ):
                other.execute("INSERT INTO a VALUES (1)")
            assert "is locked by another program" in line_of(failure.value)

    def test_artifacts_that_are_gone(self, tmp_path: Path) -> None:
        with pytest.raises((MlflowException, OSError)) as failure:
            mlflow.artifacts.download_artifacts(artifact_uri=f"file://{tmp_path}/artifacts/gone")
        assert "the artifacts of a registered model are missing" in line_of(failure.value)
