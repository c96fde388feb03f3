"""What trainings leave is removed once it is old, and nothing else is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.object_storage import ObjectStorage
from uae_model.config import Config
from uae_model.core.any_storage import filesystem_of, storage_usage
from uae_model.core.atomic import write_whole
from uae_model.core.locks import alone_in
from uae_model.core.usage import Usage
from uae_model.pipeline.leftovers import (
    Leftover,
    old_checkpoints,
    old_snapshots,
    remove_unless_locked,
)

NOW = datetime(2026, 2, 1, tzinfo=UTC)
SNAPSHOT = "plays-v7-0123456789ab"
KEY = "0123456789abcdef"


@pytest.fixture
def week(make_config: Callable[..., Config]) -> Config:
    return make_config("retention.training_days=7")


def write(path: Path, days_old: float, content: str = "12345") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    moment = (NOW - timedelta(days=days_old)).timestamp()
    os.utime(path, (moment, moment))


def names(leftovers: list[Leftover]) -> list[str]:
    return [leftover.path.rsplit("/", 1)[1] for leftover in leftovers]


def test_a_snapshot_goes_by_the_time_of_its_newest_file(week: Config) -> None:
    root = Path(week.paths.snapshots)
    for name, age in ((SNAPSHOT, 8), ("evaluation-0123456789ab", 9), ("plays-v8-0123456789ab", 6)):
        write(root / name / "files-1" / "part", 30)
        write(root / name / "manifest.json", age, json.dumps({"files": ["files-1/part"]}))
    old = old_snapshots(week, NOW)
    assert names(old) == ["evaluation-0123456789ab", SNAPSHOT]
    assert old[1].usage == Usage(2, 5 + len('{"files": ["files-1/part"]}'))
    assert old[1].used_at == NOW - timedelta(days=8)


def test_files_that_a_killed_run_left_in_a_snapshot_go_after_a_day(week: Config) -> None:
    root = Path(week.paths.snapshots)
    described = json.dumps({"files": ["files-aa/train/part"]})
    write(root / SNAPSHOT / "manifest.json", 3, described)
    write(root / SNAPSHOT / "files-aa" / "train" / "part", 3)
    write(root / SNAPSHOT / "files-bb" / "train" / "part", 3)
    write(root / SNAPSHOT / "files-cc" / "train" / "part", 0.5)  # perhaps still being written
    write(root / "plays-v9-0123456789ab" / "files-dd" / "part", 2)  # killed before its manifest
    assert names(old_snapshots(week, NOW)) == ["files-bb", "files-dd"]


def test_what_this_program_does_not_name_stays(week: Config) -> None:
    for name in ("my-own-snapshot", "plays-v7", "models"):
        write(Path(week.paths.snapshots) / name / "part", 99)
        write(Path(week.paths.checkpoints) / name / "part", 99)
    write(Path(week.paths.snapshots) / "plays-v7-0123456789ab.txt", 99)
    assert old_snapshots(week, NOW) == old_checkpoints(week, NOW) == []


def test_checkpoints_go_with_those_of_evaluations(week: Config) -> None:
    root = Path(week.paths.checkpoints)
    write(root / KEY / "chain.pt", 8)
    write(root / "fedcba9876543210" / "chain.pt", 8)
    write(root / "fedcba9876543210" / "networks.pt", 1)  # somebody went on with it
    write(root / "evaluation" / "00000000000000ff" / "networks.pt", 8)
    assert names(old_checkpoints(week, NOW)) == [KEY, "00000000000000ff"]


def test_a_folder_whose_training_goes_on_stays(week: Config) -> None:
    root = Path(week.paths.checkpoints)
    write(root / KEY / "chain.pt", 8)
    (leftover,) = old_checkpoints(week, NOW)
    with alone_in(str(root / KEY), "training"):
        assert not remove_unless_locked(leftover)
        assert (root / KEY / "chain.pt").exists()
    assert remove_unless_locked(leftover)
    assert not (root / KEY).exists()


def test_where_nothing_was_trained_nothing_is_left(week: Config) -> None:
    assert old_snapshots(week, NOW) == old_checkpoints(week, NOW) == []
    assert storage_usage(week.paths.snapshots) == Usage()


@pytest.mark.slow
def test_what_is_old_on_s3_goes_too(
    make_config: Callable[..., Config],
    s3: ObjectStorage,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name, value in s3.options.items():
        monkeypatch.setenv(name, value)
    root = f"{s3.uri.replace('s3', 's3a')}/{tmp_path.name}"
    paths = [f"paths.{name}='{root}/{name}'" for name in ("snapshots", "checkpoints")]
    config = make_config("retention.training_days=7", *paths)
    now = datetime.now(UTC)
    assert old_snapshots(config, now) == old_checkpoints(config, now) == []
    for file in (f"snapshots/{SNAPSHOT}/manifest.json", f"checkpoints/{KEY}/chain.pt"):
        write_whole(f"{root}/{file}", "{}")
    assert old_snapshots(config, now) == old_checkpoints(config, now) == []
    later = now + timedelta(days=8)
    (snapshot,), (checkpoint,) = old_snapshots(config, later), old_checkpoints(config, later)
    assert (names([snapshot, checkpoint]), checkpoint.usage) == ([SNAPSHOT, KEY], Usage(1, 2))
    with alone_in(f"{root}/checkpoints/{KEY}", "training"):
        assert not remove_unless_locked(checkpoint)
    assert remove_unless_locked(checkpoint)
    assert remove_unless_locked(snapshot)
    filesystem, path = filesystem_of(root)
    assert filesystem.find(path) == []
