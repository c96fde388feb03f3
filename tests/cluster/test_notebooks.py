"""The notebooks run from top to bottom on the tables and the registry that a night leaves."""

from __future__ import annotations

import json
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
    "evaluation": "6 trials: FM, weighted by champion, constant, none, 2 seeds",
}
KEEP_FIGURES = "%config InlineBackend.close_figures = False"
LABELS = """
import json
import matplotlib.pyplot as plt
axes = [axis for number in plt.get_fignums() for axis in plt.figure(number).axes]
plt.close("all")
print("labels:", json.dumps([[axis.get_title(), axis.get_xlabel(), axis.get_ylabel()] for axis in axes]))
"""
"""Run after the last cell: title and axis labels of every plot."""


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Record the trials of an evaluation; return the registry's URI."""
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "uae.toml").touch()
    config = load_config(folder / "uae.toml")
    cells = open_trials(config)
    for seed in (1, 2):
        for weighting, gauc in (("none", 0.55), ("constant", 0.56), ("champion", 0.58)):
            metrics = {"true_relevance.gauc_clicks": gauc + seed / 1000, "active_plays.gauc_clicks": gauc}
            cells.save(f"{weighting} {seed}", TrialResult(Trial("FM", weighting, seed), metrics))
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
    content.cells.insert(0, nbformat.v4.new_code_cell(KEEP_FIGURES))
    content.cells.append(nbformat.v4.new_code_cell(LABELS))
    client = NotebookClient(content, timeout=120, resources={"metadata": {"path": str(notebook.parent)}})
    client.execute()
    outputs = [output for cell in content.cells for output in cell.get("outputs", [])]
    assert SAYS[notebook.stem] in str(outputs)
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []  # no warnings
    labels = json.loads(outputs[-1]["text"].removeprefix("labels: "))
    assert len(labels) >= 1
    assert all(text for of_plot in labels for text in of_plot)


def test_every_notebook_is_checked() -> None:
    assert {notebook.stem for notebook in NOTEBOOKS} == set(SAYS)
