"""Folders that one run alone writes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from uae_model.snapshot.own_folder import own_folder, remove_folder


def test_two_runs_have_two_folders(tmp_path: Path) -> None:
    with own_folder(str(tmp_path)) as first, own_folder(str(tmp_path)) as second:
        assert first != second


def test_what_fails_leaves_no_file(tmp_path: Path) -> None:
    def write(own: str) -> None:
        (tmp_path / own / "train").mkdir(parents=True)
        (tmp_path / own / "train" / "a.parquet").touch()
        raise ValueError("full")

    with pytest.raises(ValueError, match="full"), own_folder(str(tmp_path)) as own:
        write(own)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_removed_already(tmp_path: Path) -> None:
    remove_folder(str(tmp_path / "nothing"))
