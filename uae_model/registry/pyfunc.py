"""The registered models as MLflow pyfuncs: the installed package's code, the artifact's data.

A registered model names this module as its loader and carries no code, so that nobody who can write to the
artifact storage can have code run by loading a model through it; no file is a pickle, and the files are
compared with their digest. (MLflow itself imports the loader that a model's ``MLmodel`` file names; see
docs/decisions/0012-models-are-data.md.)

One row of the input is a session. Each declared feature is a column of arrays: bucket numbers for a
categorical feature, transformed numbers for a numeric one (``uae_model.features.columns`` makes both), and
``is_active``: the propensity rests on the feedback before a play, and attention may rest on all of its
session's. The output has one array per session, attention of the estimator's own kind; ``spark_udf`` has to
be told so by ``result_type="attention array<double>"`` (or ``propensity``), and gives a struct with that
field.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uae_model.models.inference import predict_sessions
from uae_model.models.pair import NetworkPair
from uae_model.registry.artifacts import read_model_files

BATCH_PLAYS = 16_384

OUTPUT = "output"
"""File beside the model's: attention or propensity."""

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
        self._features = files.declaration["features"]
        self._output = (folder / OUTPUT).read_text()

    def predict(self, sessions: pd.DataFrame) -> pd.DataFrame:
        """Return a frame with one column, attention or propensity, of arrays as long as the sessions."""
        names = {
            kind: [feature["name"] for feature in self._features if feature["kind"] == kind]
            for kind in ("categorical", "numeric")
        }
        lengths = np.array([len(values) for values in sessions["is_active"]], dtype=np.int64)
        plays = int(lengths.sum())
        feedback = _flat(sessions["is_active"]).astype(np.float32)
        attention, propensity = predict_sessions(
            self._pair,
            _columns(sessions, names["categorical"], plays, np.int64),
            _columns(sessions, names["numeric"], plays, np.float32),
            feedback,
            lengths,
            BATCH_PLAYS,
        )
        values = attention if self._output == "attention" else propensity
        ends = np.cumsum(lengths)
        return pd.DataFrame(
            {self._output: [values[end - n : end].tolist() for n, end in zip(lengths, ends, strict=True)]}
        )


def _load_pyfunc(path: str) -> ServedModel:
    """Load a registered model; MLflow asks the loader of a model for this name."""
    return ServedModel(Path(path))


def pinned_requirements() -> list[str]:
    """Return the pinned packages; a build such as 2.13.0+cpu is that version.

    This package is not among them: an index could answer for its name. Whoever serves installs its wheel.
    """
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in PACKAGES]


def _flat(column: Any) -> Any:
    return np.concatenate([np.asarray(values) for values in column]) if len(column) else np.empty(0)


def _columns(frame: Any, names: list[str], plays: int, kind: Any) -> Any:
    matrix = np.empty((plays, len(names)), dtype=kind)
    for index, name in enumerate(names):
        matrix[:, index] = _flat(frame[name])
    return matrix
