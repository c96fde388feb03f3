"""Work that one process at a time may do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from uae_model.core.errors import AnotherRunError
from uae_model.core.locks import LOCK, alone_in

HOLD = """
import sys, time
from uae_model.core.locks import alone_in
with alone_in(sys.argv[1], "training"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_one_after_the_other_may_work(tmp_path: Path) -> None:
    for _ in range(2):
        with alone_in(str(tmp_path / "new" / "folder"), "training"):
            pass


def test_a_second_one_at_once_is_told_who_is_at_it(tmp_path: Path) -> None:
    with (
        alone_in(str(tmp_path), "training"),
        pytest.raises(AnotherRunError) as failure,
        alone_in(f"file:{tmp_path}", "training"),
    ):
        pytest.fail("two held the same lock")
    assert str(failure.value) == (
        f"another run is at this training: process {os.getpid()} on {socket.gethostname()} holds "
        f"{tmp_path / LOCK}; wait for its end and run it again"
    )
    assert failure.value.exit_code == 3


def test_work_that_fails_frees_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), alone_in(str(tmp_path), "training"):
        raise ValueError("no")
    with alone_in(str(tmp_path), "training"):
        pass


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_nothing_to_clear(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(AnotherRunError, match=f"process {holder.pid} on"),
            alone_in(str(tmp_path), "training"),
        ):
            pytest.fail("two held the same lock")
        holder.send_signal(signal.SIGKILL)
    with alone_in(str(tmp_path), "training"):
        pass


def test_storage_without_locks_holds_nobody_back() -> None:
    with alone_in("memory://test-locks", "training"), alone_in("memory://test-locks", "training"):
        pass
