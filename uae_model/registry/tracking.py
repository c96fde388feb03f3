"""How the process talks to MLflow: which server, which experiment, and how loudly."""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.utils.logging_utils import disable_logging

from uae_model.config import Config
from uae_model.core.filesystems import is_on_s3
from uae_model.core.locations import is_local, plain_path
from uae_model.core.logs import log, warn
from uae_model.registry.moved import tell_of_move

EXPERIMENT_NOTE = "mlflow.note.content"
"""Tag whose text MLflow shows as an experiment's description."""

ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


class _ToLog(logging.Handler):
    """Makes each warning and error of MLflow one event of the log, its traceback a field of it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one event."""
        error = record.exc_info[1] if record.exc_info else None
        trace = {} if error is None else {"traceback": "".join(traceback.format_exception(error))}
        log(f"{record.name} said", record.levelno, text=record.getMessage(), **trace)


def quiet_mlflow() -> None:
    """Leave MLflow's progress messages and bars out; what it warns of is events of the log."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.handlers = [_ToLog()]
        logger.propagate = False
    # Lines such as "Created version '1'" are printed past every logger.
    disable_logging()  # type: ignore[no-untyped-call]


def experiment_id(client: MlflowClient, config: Config, name: str, about: str) -> str:
    """Return an experiment, created where there is none; a server has artifact folders of its own.

    Args:
        client: of the tracking server.
        config: the settings.
        name: of the experiment.
        about: what its runs are, for a person who looks at its page.
    """
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        tell_of_move(experiment.artifact_location, config.paths.mlflow_artifacts)
        return str(experiment.experiment_id)
    is_server = config.paths.mlflow.startswith(("http://", "https://", "databricks"))
    folder = config.paths.mlflow_artifacts
    if not is_server and ESCAPED.search(folder):
        warn(
            f"paths.mlflow_artifacts = {folder!r}: a night works, but mlflow.pyfunc loads no model from "
            "there, since MLflow takes % and two digits for another sign; choose a folder without them"
        )
    if is_local(folder):
        folder = Path(plain_path(folder)).resolve().as_uri()
    elif is_on_s3(folder):
        folder = f"s3://{folder.partition('://')[2]}"  # MLflow knows no name of Hadoop's for it
    location = None if is_server else folder
    return str(client.create_experiment(name, artifact_location=location, tags={EXPERIMENT_NOTE: about}))


@contextmanager
def tracked_by(uri: str) -> Iterator[None]:
    """Let MLflow's module functions, which know one tracking server a process, use this one meanwhile.

    Elsewhere the URI is passed explicitly. Two functions take none: ``mlflow.pyfunc.log_model``, and the
    download of ``models:/NAME/VERSION``, which resolves the name by the process's own registry.
    """
    is_set = mlflow.tracking.is_tracking_uri_set()  # type: ignore[no-untyped-call]
    before = mlflow.get_tracking_uri() if is_set else None
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)  # type: ignore[arg-type]  # None: none is set, as before
