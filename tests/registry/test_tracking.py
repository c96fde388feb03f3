"""How loudly MLflow speaks."""

from __future__ import annotations

import json
import logging

import pytest

from uae_model.core.logs import configure_logs
from uae_model.registry.tracking import quiet_mlflow


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
