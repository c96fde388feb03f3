"""A lease on S3: two holders, one that died, one that lost it, and what a storage must be able to do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.object_storage import ObjectStorage
from uae_model.core import leases
from uae_model.core.any_storage import filesystem_of
from uae_model.core.errors import AnotherRunError, ConfigError, InputError
from uae_model.core.leases import lease
from uae_model.core.locks import alone_in

pytestmark = pytest.mark.slow

HOLD = """
import sys, time
from uae_model.core.locks import alone_in
with alone_in(sys.argv[1], "training"):
    print("held", flush=True)
    time.sleep(600)
"""
ANOTHER = json.dumps({"holder": "process 9 on elsewhere", "run": "another"}).encode()


@pytest.fixture
def folder(s3: ObjectStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return a folder of this test alone, as Hadoop names it."""
    for name, value in s3.options.items():
        monkeypatch.setenv(name, value)
    return f"{s3.uri.replace('s3', 's3a')}/{tmp_path.name}/tables"


def written(folder: str) -> bytes | None:
    """Return what stands in the lease of a folder; None where there is none."""
    filesystem, path = filesystem_of(f"{folder}.lease")
    return bytes(filesystem.cat_file(path)) if filesystem.exists(path) else None


def overwrite(folder: str, content: bytes = ANOTHER) -> None:
    """Let another run take a lease over."""
    filesystem, path = filesystem_of(f"{folder}.lease")
    filesystem.pipe_file(path, content)


def lose_it(how: Callable[[], None]) -> None:
    """Do a work that would go on for long, after something has happened to its lease."""
    how()
    time.sleep(60)
    pytest.fail("it went on")


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_after_the_other_may_work_and_leaves_nothing(folder: str) -> None:
    for _ in range(2):
        with alone_in(folder, "training"):
            assert json.loads(written(folder) or b"")["work"] == "training"
        assert written(folder) is None


def test_a_second_one_at_once_is_told_who_is_at_it(folder: str) -> None:
    with (
        alone_in(folder, "training"),
        pytest.raises(AnotherRunError, match=r"renewed . s ago; wait for its end") as failure,
        alone_in(f"{folder}/", "training"),
    ):
        pytest.fail("two held the same lease")
    assert f"at this training: process {os.getpid()} on {socket.gethostname()} holds {folder}.lease" in str(
        failure.value
    )
    assert failure.value.exit_code == 3


def test_work_that_fails_frees_the_folder(folder: str) -> None:
    with pytest.raises(ValueError, match="no"), alone_in(folder, "training"):
        raise ValueError("no")
    assert written(folder) is None


def test_what_a_killed_process_left_is_taken_over_once_it_has_lapsed(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, folder], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
    with (
        pytest.raises(AnotherRunError, match=f"process {holder.pid} on"),
        alone_in(folder, "training"),
    ):
        pytest.fail("it has not lapsed yet")
    monkeypatch.setattr(leases, "LAPSES_AFTER", timedelta(seconds=-1))
    with alone_in(folder, "training"):
        assert f"process {os.getpid()} on" in json.loads(written(folder) or b"")["holder"]
    assert written(folder) is None


def test_a_lease_of_any_content_is_somebodys(folder: str) -> None:
    overwrite(folder, b"[]")
    with pytest.raises(AnotherRunError, match="a process holds"), alone_in(folder, "training"):
        pytest.fail("it was held")


def test_it_is_renewed_while_the_work_goes_on(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEWED_EVERY", timedelta(milliseconds=10))
    with alone_in(folder, "training"):
        wait_until(lambda: json.loads(written(folder) or b"")["written"] > 5)
    assert written(folder) is None


def test_a_holder_that_lost_it_is_interrupted(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEWED_EVERY", timedelta(milliseconds=10))
    with (
        pytest.raises(AnotherRunError, match=r"this training has lost its lease .* another run has taken"),
        alone_in(folder, "training"),
    ):
        lose_it(lambda: overwrite(folder))
    assert written(folder) == ANOTHER  # that of the other is not removed


def test_a_loss_is_noticed_at_the_end_at_the_latest(folder: str) -> None:
    with pytest.raises(AnotherRunError, match="has lost its lease"), alone_in(folder, "training"):
        overwrite(folder)
    assert written(folder) == ANOTHER


def test_an_interrupt_of_a_person_stays_one(folder: str) -> None:
    with pytest.raises(KeyboardInterrupt), alone_in(folder, "training"):
        raise KeyboardInterrupt
    assert written(folder) is None


def test_a_holder_that_cannot_reach_the_storage_stops(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEWED_EVERY", timedelta(milliseconds=10))
    monkeypatch.setattr(leases, "GIVEN_UP_AFTER", timedelta(milliseconds=50))

    def lost(held: Any, **_: str) -> bool:
        raise InputError("no way")

    with (
        pytest.raises(AnotherRunError, match="it could not be renewed: no way"),
        alone_in(folder, "training"),
    ):
        lose_it(lambda: monkeypatch.setattr(leases._Lease, "put_if", lost))  # noqa: SLF001


def test_an_answer_that_was_lost_is_no_loss_of_the_lease(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEWED_EVERY", timedelta(milliseconds=10))
    put = leases._Lease.put_if  # noqa: SLF001
    lost: list[bool] = []

    def put_and_lose_the_answer(held: Any, **condition: str) -> bool:
        before = held._etag  # noqa: SLF001
        lost.append(put(held, **condition))
        held._etag = before  # noqa: SLF001
        return False

    with alone_in(folder, "training"):
        monkeypatch.setattr(leases._Lease, "put_if", put_and_lose_the_answer)  # noqa: SLF001
        wait_until(lambda: len(lost) > 3)
    assert all(lost)
    assert written(folder) is None


def test_a_storage_that_ignores_conditions_is_refused(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = leases.s3_client(folder)
    put = client.put_object

    def put_anyway(**arguments: Any) -> Any:
        arguments.pop("IfNoneMatch", None)
        return put(**arguments)

    client.put_object = put_anyway
    monkeypatch.setattr(leases, "s3_client", lambda location: client)
    with pytest.raises(ConfigError, match="ignores If-None-Match"), alone_in(folder, "training"):
        pytest.fail("it was let in")


def test_without_boto3_the_error_says_what_to_install(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"needs the package boto3.*pip install boto3"), lease(folder, "x"):
        pytest.fail("it was let in")


def test_a_bucket_that_is_not_there_is_told(s3: ObjectStorage, folder: str) -> None:
    with (
        pytest.raises(InputError, match=r"s3a://nowhere/tables.lease: S3 refuses the lease: .*NoSuchBucket"),
        alone_in("s3a://nowhere/tables", "training"),
    ):
        pytest.fail("it was let in")
