"""Work that one process at a time may do in a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from uae_model.core.errors import AnotherRunError
from uae_model.core.locations import is_local, plain_path

LOCK = "running.lock"


@contextmanager
def alone_in(folder: str, work: str) -> Iterator[None]:
    """Do the work of the block in a folder while no other process does.

    The system releases the lock when the process ends, however it ends: a crash leaves nothing to clear. On
    storage that knows no locks (a URI) the block runs without one.

    Args:
        folder: a path, or a URI; made where it is not there.
        work: what is done, for the error.

    Raises:
        AnotherRunError: if another process is at it, naming that process and its host.
    """
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
