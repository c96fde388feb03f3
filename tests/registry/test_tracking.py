"""How loudly MLflow speaks, and where it puts artifacts."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from uae_model.core.logs import configure_logs
from uae_model.registry.tracking import experiment_id, quiet_mlflow


def test_what_mlflow_warns_of_is_one_event_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    quiet_mlflow()
    logger = logging.getLogger("mlflow.store.db.utils")
    logger.info("nothing that a night has to tell")
    try:
        raise OSError("database is locked")
    except OSError:
        logger.exception("SQLAlchemy database error")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"]) == ("mlflow.store.db.utils said", "error")
    assert told["text"] == "SQLAlchemy database error"
    assert told["traceback"].endswith("OSError: database is locked\n")


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_artifacts_on_s3_have_mlflows_name_for_it(make_config: Any, tmp_path: Path, scheme: str) -> None:
    config = make_config(f"paths.mlflow_artifacts='{scheme}://bucket/a b'")
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    made = experiment_id(client, config, "uae", "trainings")
    assert client.get_experiment(made).artifact_location == "s3://bucket/a b"
    assert experiment_id(client, config, "uae", "trainings") == made
