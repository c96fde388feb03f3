"""The notebooks run from top to bottom on the tables and the registry that a night leaves."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.cluster.runs import REPOSITORY, Workbench
from uae_model.config import load_config
from uae_model.evaluation.mlflow_trials import open_trials
from uae_model.evaluation.trials import Trial, TrialResult

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
SAYS = {
    "sessions": "none, first play",
    "training": "chain-0.7",
    "weights": "of them passive, weights linear(",
    "evaluation": "2 cells",
}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Record two cells of an evaluation; return the registry's URI."""
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "uae.toml").touch()
    config = load_config(folder / "uae.toml")
    cells = open_trials(config)
    for weighting, gauc in (("none", 0.55), ("auto", 0.58)):
        metrics = {"true_relevance.gauc_rows": gauc}
        cells.save(weighting, TrialResult(Trial("FM", weighting, 1), metrics))
    return config.paths.mlflow


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom_and_says_what_it_found(
    notebook: Path, workbench: Workbench, evaluated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbench.restore()
    monkeypatch.setenv("UAE_HOME", str(workbench.folder))
    if notebook.stem == "evaluation":
        monkeypatch.setenv("UAE_MLFLOW", evaluated)
    content = nbformat.read(notebook, as_version=4)
    assert not any(cell.get("outputs") for cell in content.cells), "commit notebooks without their outputs"
    client = NotebookClient(content, timeout=120, resources={"metadata": {"path": str(notebook.parent)}})
    client.execute()
    printed = str([cell.get("outputs") for cell in content.cells])
    assert SAYS[notebook.stem] in printed


def test_every_notebook_is_checked() -> None:
    assert {notebook.stem for notebook in NOTEBOOKS} == set(SAYS)
