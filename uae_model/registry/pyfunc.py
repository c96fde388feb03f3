"""The registered models as MLflow pyfuncs: the installed package's code, the artifact's data.

A registered model names this module as its loader and carries no code, so that nobody who can write to the
artifact storage can have code run by loading a model through it; no file is a pickle, and the files are
compared with their digest. (MLflow itself imports the loader that a model's ``MLmodel`` file names; see
docs/decisions/0012-models-are-data.md.)

Plays go in as they stand in the tables, by the names of the feature columns, with ``is_active``: a row is a
play, beside ``session_id`` and ``position``, or a session, with an array for each column. The output has a
number for each play, or an array for each session; attention is of the estimator's own kind. ``spark_udf``
takes sessions and has to be told so by ``result_type="attention array<double>"`` (or ``propensity``); it
gives a struct with that field. (Models of before the file ``inputs`` take sessions with encoded values:
bucket numbers and transformed numbers by the names of the features.)
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uae_model.config import FeatureSet
from uae_model.models.inference import predict_sessions
from uae_model.models.pair import NetworkPair
from uae_model.registry.artifacts import read_model_files, write_model_files
from uae_model.registry.served_plays import FEEDBACK, ServedPlays, served_plays

BATCH_PLAYS = 16_384

OUTPUT = "output"
"""File beside the model's: attention or propensity."""

INPUTS, TABLE_VALUES = "inputs", "table values"
"""File beside the model's, and what it says: the input is plays as they stand in the tables."""

PACKAGES = ("mlflow", "numpy", "pandas", "torch")
"""What loading takes beside this package, required of whoever serves the model."""


class ServedModel:
    """Attention or propensity of each play of the given sessions, by the folder's ``output``."""

    def __init__(self, folder: Path) -> None:
        """Read the files of a version.

        Raises:
            ModelError: if a file is missing, is not what was registered, or holds no finite numbers.
        """
        files = read_model_files(folder, f"the model in {folder}")
        self._pair = NetworkPair.from_state(files.state)
        self._output = (folder / OUTPUT).read_text()
        features = files.declaration["features"]
        self._plays: Callable[[pd.DataFrame], ServedPlays] = (
            partial(served_plays, features=FeatureSet.of_plain(features))
            if (folder / INPUTS).is_file()
            else partial(_encoded_sessions, features=features)
        )

    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with one column, attention or propensity: a number a play, or a list a session.

        Raises:
            InputError: if the rows are neither plays nor sessions.
            ContractError: if a session is not whole.
        """
        plays = self._plays(rows)
        attention, propensity = predict_sessions(
            self._pair, plays.categorical, plays.numeric, plays.feedback, plays.lengths, BATCH_PLAYS
        )
        values = attention if self._output == "attention" else propensity
        return pd.DataFrame({self._output: plays.by_row(values)}, index=rows.index)


def _load_pyfunc(path: str) -> ServedModel:
    """Load a registered model; MLflow asks the loader of a model for this name."""
    return ServedModel(Path(path))


def write_served_files(
    folder: Path, output: str, state: dict[str, Any], declaration: Mapping[str, Any]
) -> str:
    """Write what a model that gives attention or propensity is served from; return the files' digest.

    Raises:
        ModelError: if a parameter is no finite number.
    """
    folder.mkdir()
    digest = write_model_files(folder, state, declaration)
    (folder / OUTPUT).write_text(output)
    (folder / INPUTS).write_text(TABLE_VALUES)
    return digest


def pinned_requirements() -> list[str]:
    """Return the pinned packages; a build such as 2.13.0+cpu is that version.

    This package is not among them: an index could answer for its name. Whoever serves installs its wheel.
    """
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in PACKAGES]


def _encoded_sessions(sessions: pd.DataFrame, features: list[dict[str, Any]]) -> ServedPlays:
    """Return sessions whose values are encoded already."""
    names = {
        kind: [feature["name"] for feature in features if feature["kind"] == kind]
        for kind in ("categorical", "numeric")
    }
    lengths = np.array([len(values) for values in sessions[FEEDBACK]], dtype=np.int64)
    plays = int(lengths.sum())
    return ServedPlays(
        _columns(sessions, names["categorical"], plays, np.int64),
        _columns(sessions, names["numeric"], plays, np.float32),
        _flat(sessions[FEEDBACK]).astype(np.float32),
        lengths,
    )


def _flat(column: Any) -> Any:
    return np.concatenate([np.asarray(values) for values in column]) if len(column) else np.empty(0)


def _columns(frame: Any, names: list[str], plays: int, kind: Any) -> Any:
    matrix = np.empty((plays, len(names)), dtype=kind)
    for index, name in enumerate(names):
        matrix[:, index] = _flat(frame[name])
    return matrix
