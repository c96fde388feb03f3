"""Work that one process at a time may do in a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from uae_model.core.errors import AnotherRunError
from uae_model.core.filesystems import is_on_s3
from uae_model.core.leases import lease
from uae_model.core.locations import is_local, plain_path

LOCK = "running.lock"
LEASE = ".lease"
"""Ends the name of the object of a folder on S3: beside it, since a folder is gone once it is removed."""


@contextmanager
def alone_in(folder: str, work: str) -> Iterator[None]:
    """Do the work of the block in a folder while no other process does.

    The system releases the lock when the process ends, however it ends: a crash leaves nothing to clear. On
    S3 a lease beside the folder takes its place (``core.leases``). On other storage, which knows neither,
    the block runs without one.

    Args:
        folder: a path, or a URI; made where it is not there.
        work: what is done, for the error.

    Raises:
        AnotherRunError: if another process is at it, naming that process and its host.
        ConfigError: on S3, if it takes no leases, or the package that they need is missing.
    """
    if is_on_s3(folder):
        with lease(f"{folder.rstrip('/')}{LEASE}", work):
            yield
        return
    if not is_local(folder):
        yield
        return
    file = Path(plain_path(folder)) / LOCK
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, timeout=0, on_acquired=_sign)
    try:
        lock.acquire()
    except Timeout:
        raise AnotherRunError(
            f"another run is at this {work}: {_holder(file)} holds {file}; wait for its end and run it again"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _sign(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)


def _holder(file: Path) -> str:
    """Return who holds a lock; it may have gone, or not have signed, in this moment."""
    try:
        return file.read_text() or "a process"
    except FileNotFoundError:
        return "a process"
