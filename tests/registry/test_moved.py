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


def test_artifacts_are_looked_for_where_the_folder_went(tmp_path: Path) -> None:
    new = tmp_path / "new 100%20" / "mlflow-artifacts"
    (new / "models" / "m-1" / "artifacts").mkdir(parents=True)
    recorded = "file:///gone/old/mlflow-artifacts/models/m-1/artifacts"
    assert place_after_move(recorded, str(new)) == str(new / "models" / "m-1" / "artifacts")
    assert place_after_move(recorded.replace("m-1", "m-2"), str(new)) == recorded.replace("m-1", "m-2")
    assert (
        place_after_move("s3://bucket/models/m-1/artifacts", str(new)) == "s3://bucket/models/m-1/artifacts"
    )
    there = (new / "models" / "m-1").as_uri()
    assert place_after_move(there, str(tmp_path)) == there
