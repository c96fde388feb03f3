"""The folder of this process's temporary files, which goes with the process, however that ends.

Spark, torch and Java leave folders in the system's temporary folder when they are killed. So each process
gives them a folder of its own, ``uae-USER/PROCESS`` below the system's, holds a lock on it while it lives,
and removes it at its end. What a killed one left is removed by the next process that starts: the system has
released its lock. Nothing else in the system's temporary folder is touched.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from uae_model.core.digests import NAME_DIGITS
from uae_model.core.errors import InputError

LOCK = ".lock"
CHANGES = "changes"
"""Name of the lock that is held for a moment by whoever adds a folder or takes one away."""

FOLDERS: dict[tuple[int, str], Path] = {}
"""What this process has made, by its number and the folder above: a fork makes its own."""


def scratch_folder(base: str | None = None) -> Path:
    """Return this process's folder, made at the first call; those of dead processes beside it are removed.

    Args:
        base: the folder that it lies in; the system's temporary folder by default.

    Raises:
        InputError: if another user has taken its name.
    """
    key = (os.getpid(), base or "")
    if key not in FOLDERS:
        FOLDERS[key] = _made_below(base or tempfile.gettempdir())
    return FOLDERS[key]


@contextmanager
def temporary_files_here() -> Iterator[Path]:
    """Let this process, and those it starts in the block, make temporary files in its own folder."""
    folder = scratch_folder()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    variable = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        if variable is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = variable


def _made_below(above: str) -> Path:
    home = Path(above) / f"uae-{os.getuid()}"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.getuid():
        raise InputError(f"{home}: is a link or another user's; remove it, or set TMPDIR to another folder")
    folder = home / f"{os.getpid()}-{uuid4().hex[:NAME_DIGITS]}"
    own = FileLock(home / f"{folder.name}{LOCK}")
    with FileLock(home / f"{CHANGES}{LOCK}"):
        _remove_of_dead(home)
        own.acquire()
        folder.mkdir(mode=0o700)
    atexit.register(_remove_own, folder, own, os.getpid())
    return folder


def _remove_of_dead(home: Path) -> None:
    """Remove the folders whose locks nobody holds, and locks whose folders are gone."""
    for name in {path.name.removesuffix(LOCK) for path in home.iterdir()} - {CHANGES}:
        file = home / f"{name}{LOCK}"
        try:
            with FileLock(file, timeout=0):
                shutil.rmtree(home / name, ignore_errors=True)
        except Timeout:
            continue  # its process lives
        file.unlink(missing_ok=True)


def _remove_own(folder: Path, lock: FileLock, process: int) -> None:
    if os.getpid() != process:
        return  # a fork, which inherits what is to be done at the end
    shutil.rmtree(folder, ignore_errors=True)
    lock.release()
    folder.with_suffix(LOCK).unlink(missing_ok=True)
