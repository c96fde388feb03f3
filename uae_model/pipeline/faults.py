"""What known errors of other programs mean: Delta, Spark, the operating system, SQLite and MLflow.

An error that one of ``FAULTS`` describes becomes one of this project's, in a line that says what is wrong and
what to do; any other one stays what it is. In all of these cases readers keep the last publication, and the
same command goes on where this one stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from uae_model.core.errors import AnotherRunError, InputError, ModelError, NotYetError, UaeError

AGAIN = "run the same command again; what is published stays readable"
PATH = r"(?:file:)?(?P<path>/[^\s'\"(),]+)"

SCRATCH = (
    r"blockmgr-|DiskBlockManager|DiskBlockObjectWriter|UnsafeSorterSpillWriter|UnsafeExternalSorter"
    r"|IndexShuffleBlockResolver|spark\.storage\.DiskStore"
)
"""What Spark's messages and stacks name where it writes to spark.local.dir."""

IS_FULL = r"No space left on device|Disk quota exceeded|database or disk is full|File too large"
"""Without space, beyond a user's quota, beyond a limit of the size of files (``ulimit -f``)."""
IS_LOCKED_AWAY = (
    r"Permission denied|Read-only file system|Operation not permitted|AccessControlException"
    r"|attempt to write a readonly database"
)
NO_SCRATCH = r"Failed to create (?:a temp|local) dir|DiskBlockManager: Failed"


@dataclass(frozen=True)
class Fault:
    """A known error.

    Attributes:
        signs: patterns that all occur in the error's text, its causes' and Java's stack included.
        kind: the error of this project that it becomes; it has the exit code.
        what: what is wrong.
        remedy: what to do.
    """

    signs: tuple[str, ...]
    kind: type[UaeError]
    what: str
    remedy: str


FAULTS = (
    Fault(
        (
            r"\b(?:Concurrent(?:Append|DeleteRead|DeleteDelete|Write|Transaction)|MetadataChanged"
            r"|ProtocolChanged|DeltaConcurrentModification)Exception",
        ),
        AnotherRunError,
        "another run of this day is going on: it changed the same table at the same moment",
        "wait for its end and run the same command again",
    ),
    Fault(
        (r"database (?:table )?is locked",),
        NotYetError,
        "the registry's database (paths.mlflow) is locked by another program",
        "wait for its end, or stop it, and run the same command again",
    ),
    Fault(
        (r"database disk image is malformed|file is not a database|malformed database schema",),
        ModelError,
        "the registry's database (paths.mlflow) is damaged",
        f"put its file back from a backup and {AGAIN}",
    ),
    Fault(
        (r"unable to open database file",),
        InputError,
        "the registry's database (paths.mlflow) cannot be opened",
        f"make its folder, let this user read and write there and {AGAIN}",
    ),
    Fault(
        (SCRATCH, IS_FULL),
        InputError,
        "the disk of spark.local.dir, where Spark sorts, is full",
        f"free space there, or name a larger disk as spark.local.dir in --spark-conf, and {AGAIN}",
    ),
    Fault(
        (NO_SCRATCH,),
        InputError,
        "Spark cannot make its folder in spark.local.dir",
        f"free space there, let this user write there, or name another as spark.local.dir, and {AGAIN}",
    ),
    Fault((IS_FULL,), InputError, "the disk is full", f"free space there and {AGAIN}"),
    Fault(
        (IS_LOCKED_AWAY,),
        InputError,
        "this user may not read or write there",
        f"give it the right, or mount the disk for writing, and {AGAIN}",
    ),
    Fault(
        (r"[Aa]rtifact", r"No such (?:file or directory|artifact)|failures occurred while downloading"),
        ModelError,
        "the artifacts of a registered model are missing",
        "put paths.mlflow_artifacts back from a backup, or go on with another version: uae promote --version",
    ),
    Fault(
        (r"Py4JNetworkError|Answer from Java side is empty|Java (?:side|server) (?:is|was) closed",),
        UaeError,
        "Spark's Java process has ended: somebody killed it, perhaps the system for want of memory",
        f"look for it in the system's log, give it more memory where that was the reason, and {AGAIN}",
    ),
    Fault(
        (r"OutOfMemoryError|\bMemoryError\b",),
        InputError,
        "the memory did not suffice",
        f"give spark.driver.memory or spark.executor.memory more in --spark-conf and {AGAIN}",
    ),
    Fault(
        (r"No such file or directory|FileNotFoundException",),
        InputError,
        "a file went away while it was read",
        "run the same command again once nobody changes files there; what is published stays readable",
    ),
)
"""In the order in which they are tried: what is more particular comes first."""


def known_fault(error: BaseException) -> UaeError | None:
    """Return what an error means, in one line; None where no entry of ``FAULTS`` fits."""
    text = "\n".join(_texts(error))
    for fault in FAULTS:
        if all(re.search(sign, text) for sign in fault.signs):
            place = _path(error, text, fault.signs[-1])
            return fault.kind(f"{place + ': ' if place else ''}{fault.what}; {fault.remedy}")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        hidden = None if current.__suppress_context__ else current.__context__
        current = current.__cause__ or hidden


def _texts(error: BaseException) -> Iterator[str]:
    for cause in _causes(error):
        yield f"{type(cause).__name__}: {cause}"
        java = getattr(cause, "java_exception", None)
        if java is not None:
            yield str(java)


def _path(error: BaseException, text: str, sign: str) -> str | None:
    """Return the file or folder that the error names, if it names one."""
    named = [cause.filename for cause in _causes(error) if isinstance(cause, OSError) and cause.filename]
    if named:
        return str(named[0])
    # Java writes "/a/b (No space left on device)", Python "No space left on device: '/a/b'".
    for pattern in (rf"{PATH} ?\((?:{sign})\)", rf"(?:{sign})[^\n/]{{0,40}}{PATH}"):
        match = re.search(pattern, text)
        if match:
            return match["path"].rstrip(":.")
    return None
