"""The manifest of a snapshot: what is written is read, whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.training_builders import small_sessions, write_snapshot_files
from uae_model.core.errors import ContractError
from uae_model.snapshot.manifest import MANIFEST, Manifest, SnapshotFile, SnapshotSplit, load_manifest


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return write_snapshot_files(
        tmp_path / "snapshot", small_sessions([1, 3, 8, 2, 4, 4]), small_sessions([5, 2], first=100)
    )


def test_what_is_saved_is_loaded(manifest: Manifest) -> None:
    assert load_manifest(manifest.root) == manifest


def test_saving_creates_the_folder_and_replaces_an_older_manifest(manifest: Manifest, tmp_path: Path) -> None:
    moved = dataclasses.replace(manifest, root=str(tmp_path / "new" / "place"))
    moved.save()
    newer = dataclasses.replace(moved, table_version=4)
    newer.save()
    assert load_manifest(moved.root) == newer
    assert [path.name for path in Path(moved.root).iterdir()] == [MANIFEST]


def test_a_snapshot_without_a_manifest_is_not_complete(manifest: Manifest, tmp_path: Path) -> None:
    assert load_manifest(str(tmp_path / "nowhere")) is None
    (Path(manifest.root) / MANIFEST).unlink()
    assert load_manifest(manifest.root) is None


def test_a_write_that_fails_leaves_no_manifest(manifest: Manifest) -> None:
    (Path(manifest.root) / MANIFEST).unlink()
    unwritable: Any = (0.1, object())  # JSON fails when half is written
    broken = dataclasses.replace(manifest, numeric_mean=unwritable)
    with pytest.raises(TypeError):
        broken.save()
    assert load_manifest(manifest.root) is None
    manifest.save()  # ... and the second try is not disturbed by what the first one left
    assert load_manifest(manifest.root) == manifest


def without(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != name}


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: json.dumps(content)[:200],
        lambda content: "",
        lambda content: json.dumps([content]),
        lambda content: json.dumps(without("train", content)),
        lambda content: json.dumps(without("snapshot_id", content)),
        lambda content: json.dumps({**content, "written_by": "a later version"}),
        lambda content: json.dumps({**content, "validation": without("plays", content["validation"])}),
        lambda content: json.dumps({**content, "train": "s3://elsewhere"}),
        lambda content: json.dumps({**content, "numeric_mean": None}),
    ],
    ids=["cut", "empty", "list", "no train", "no id", "unknown", "no plays", "text", "no statistics"],
)
def test_a_broken_manifest_is_named(manifest: Manifest, damage: Any) -> None:
    file = Path(manifest.root) / MANIFEST
    file.write_text(damage(json.loads(file.read_text())))
    with pytest.raises(ContractError, match=re.escape(f"{file} is not a snapshot manifest of this version")):
        load_manifest(manifest.root)


def test_fill_is_the_share_of_steps_that_are_plays() -> None:
    files = (SnapshotFile("a", 4, (5, 2)), SnapshotFile("b", 10, (1,)))
    split = SnapshotSplit("train", (), sessions=8, plays=19, active_plays=3, files=files)
    assert split.padded_steps == 4 * 7 + 10
    assert split.fill == 0.5
    assert SnapshotSplit("train", (), 0, 0, 0, ()).fill == 1.0
