"""Temporary files go with their process, and those of other programs are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from uae_model.core import scratch
from uae_model.core.errors import InputError
from uae_model.core.scratch import scratch_folder, temporary_files_here

TAKE = """
import os, sys, signal
from uae_model.core.scratch import scratch_folder
folder = scratch_folder(sys.argv[1])
(folder / "spark-1").mkdir()
(folder / "spark-1" / "block").write_text("x" * 1000)
print(folder, flush=True)
if sys.argv[2] == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "wait":
    sys.stdin.read()
"""


def other_process(base: Path, ending: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", TAKE, str(base), ending],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scratch, "FOLDERS", {})
    return tmp_path / "system"


def test_a_process_has_one_folder_and_removes_it_at_its_end(base: Path) -> None:
    process = other_process(base, "wait")
    folder = folder_of(process)
    assert folder.parent == base / f"uae-{os.getuid()}"
    assert (folder / "spark-1" / "block").exists()
    process.communicate("")
    assert process.returncode == 0
    assert not folder.exists()
    assert [path.name for path in folder.parent.iterdir() if path.name != "changes.lock"] == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(base: Path) -> None:
    killed = other_process(base, "kill")
    left = folder_of(killed)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert (left / "spark-1" / "block").exists()
    mine = scratch_folder(str(base))
    assert mine.is_dir()
    assert not left.exists()
    assert not left.with_suffix(".lock").exists()


def test_the_folder_of_a_living_process_and_those_of_other_programs_stay(base: Path) -> None:
    foreign = base / "spark-of-another-program"
    foreign.mkdir(parents=True)
    living = other_process(base, "wait")
    theirs = folder_of(living)
    mine = scratch_folder(str(base))
    assert mine != theirs
    assert (theirs / "spark-1" / "block").exists()
    assert foreign.is_dir()
    assert scratch_folder(str(base)) == mine
    living.communicate("")


def test_temporary_files_lie_there_within_the_block_alone(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    monkeypatch.setenv("TMPDIR", "/before")
    with temporary_files_here() as folder:
        assert os.environ["TMPDIR"] == tempfile.gettempdir() == str(folder)
        assert Path(tempfile.mkdtemp(prefix="torchelastic_")).parent == folder
        assert scratch_folder() == folder
    assert (os.environ["TMPDIR"], tempfile.gettempdir()) == ("/before", str(base))


def test_without_the_variable_there_is_none_afterwards(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    monkeypatch.delenv("TMPDIR", raising=False)
    with temporary_files_here():
        pass
    assert "TMPDIR" not in os.environ


def test_a_link_in_its_place_is_refused(base: Path, tmp_path: Path) -> None:
    base.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (base / f"uae-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link or another user's; remove it, or set TMPDIR"):
        scratch_folder(str(base))
