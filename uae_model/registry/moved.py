"""Artifacts of a registry whose folder was moved: MLflow keeps full paths, which then lead nowhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from uae_model.core.locations import is_local, plain_path
from uae_model.core.logs import log, warn

WHERE_FROM = "paths.mlflow_artifacts"


def place_after_move(recorded: str, folder: str) -> str:
    """Return where artifacts lie: where MLflow recorded them, else at the same place below another folder.

    Args:
        recorded: the location in the registry.
        folder: the artifact folder of the configuration, which a move took along.
    """
    if not is_local(recorded) or not is_local(folder) or _is_there(recorded):
        return recorded
    parts = Path(plain_path(recorded)).parts
    for start in range(1, len(parts)):
        candidate = Path(plain_path(folder), *parts[start:])
        if candidate.is_dir():
            log("the artifacts were moved", recorded=recorded, read_from=str(candidate))
            return str(candidate)
    return recorded


def _is_there(recorded: str) -> bool:
    """Tell whether a recorded place is there; MLflow writes a space as ``%20``, and ``%`` as ``%25``."""
    written = plain_path(recorded)
    return Path(written).exists() or Path(unquote(written)).exists()


def tell_of_move(recorded: str, folder: str) -> None:
    """Say in one line where new artifacts go, if that is not where the configuration has them."""
    if not is_local(recorded) or not is_local(folder):
        return
    old, new = Path(plain_path(recorded)), Path(plain_path(folder)).resolve()
    if old != new and not old.is_dir() and new.is_dir():
        warn(
            f"the registry was moved: MLflow writes the artifacts of new trainings to {old}, where the "
            f"experiment was made, not to {WHERE_FROM} = {new}; set registry.experiment to "
            "another name to change that"
        )
