"""Cells as runs of a real MLflow store."""

from __future__ import annotations

import math
from typing import Any

from mlflow import MlflowClient

from uae_model.evaluation.mlflow_trials import open_trials
from uae_model.evaluation.trials import Trial, TrialResult


def test_a_finished_cell_is_found_again_by_its_key(make_config: Any) -> None:
    config = make_config()
    trials = open_trials(config)
    assert trials.known() == {}
    metrics = {"active_plays.auc": 0.625, "observed_labels.gauc_rows": math.nan}
    result = TrialResult(
        Trial("Wide&Deep", "auto:power:5", 1), metrics, [{"train_loss": 0.5}, {"train_loss": 0.25}]
    )
    trials.save("abc", result)
    again = open_trials(config)
    assert again.known() == {"abc": {"active_plays.auc": 0.625, "epoch_train_loss": 0.25}}

    client = MlflowClient(config.paths.mlflow)
    experiment = client.get_experiment_by_name(config.evaluation.experiment)
    assert experiment is not None
    run = client.search_runs([experiment.experiment_id])[0]
    assert run.data.params == {"model": "Wide&Deep", "weighting": "auto:power:5", "seed": "1"}
    history = client.get_metric_history(run.info.run_id, "epoch/train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.5), (1, 0.25)]

    assert run.data.tags["mlflow.note.content"] == (
        "Wide&Deep trained on plays weighted by `auto:power:5`, seed 1."
    )
    assert run.data.metrics["active_plays/auc"] == 0.625

    # A run that was cut off is not finished, and a run of something else is no trial.
    client.create_run(experiment.experiment_id, tags={"cell_key": "cut off"})
    other = client.create_run(experiment.experiment_id)
    client.set_terminated(other.info.run_id, "FINISHED")
    assert set(again.known()) == {"abc"}
