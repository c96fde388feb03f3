"""Where artifacts lie: where MLflow recorded them, unless the folder was moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from uae_model.registry.moved import place_after_move


@pytest.mark.parametrize("name", ["plain", "work 100%20 [a] 12:30"])
def test_a_folder_that_is_there_is_taken_as_it_was_recorded(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / "mlflow-artifacts"
    (folder / "models" / "m-1" / "artifacts").mkdir(parents=True)
    recorded = (folder / "models" / "m-1" / "artifacts").as_uri()
    assert place_after_move(recorded, str(folder)) == recorded


def test_a_folder_that_was_moved_is_found_below_the_configured_one(tmp_path: Path) -> None:
    moved = tmp_path / "moved 100%20" / "mlflow-artifacts"
    (moved / "models" / "m-1" / "artifacts").mkdir(parents=True)
    recorded = (tmp_path / "before" / "mlflow-artifacts" / "models" / "m-1" / "artifacts").as_uri()
    assert place_after_move(recorded, str(moved)) == str(moved / "models" / "m-1" / "artifacts")
