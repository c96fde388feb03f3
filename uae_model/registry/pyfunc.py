"""The registered models as MLflow pyfuncs ("models from code": no pickles, weights_only tensors).

One row of the input is a session. Each declared feature is a column of arrays: bucket numbers for a
categorical feature, transformed numbers for a numeric one (``uae_model.features.columns`` makes both), and
``is_active``: the propensity rests on the feedback before a play, and attention may rest on all of its
session's. The output has one array per session, attention of the estimator's own kind; ``spark_udf`` has to
be told so by ``result_type="attention array<double>"`` (or ``propensity``), and gives a struct with that
field.
"""

from __future__ import annotations

import json
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.pyfunc.model import PythonModel

from uae_model.models.inference import predict_sessions
from uae_model.models.pair import NetworkPair

BATCH_PLAYS = 16_384


class ServedModel(PythonModel):
    """Attention or propensity of each play of the given sessions, by ``model_config["output"]``."""

    def load_context(self, context):  # type: ignore[no-untyped-def]
        """Load the networks and the feature declaration from the model's artifacts."""
        state = torch.load(context.artifacts["networks"], weights_only=True)
        self.pair = NetworkPair.from_state(state)
        with open(context.artifacts["declaration"]) as file:
            self.features = json.load(file)["features"]
        self.output = context.model_config["output"]

    # No type hints: MLflow would take them for the model's signature, which register() gives by itself.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return a frame with one column, attention or propensity, of arrays as long as the sessions."""
        del context, params
        names = {
            kind: [f["name"] for f in self.features if f["kind"] == kind]
            for kind in ("categorical", "numeric")
        }
        lengths = model_input[names["categorical"][0]].map(len).to_numpy(dtype=np.int64)
        plays = int(lengths.sum())
        feedback = _flat(model_input["is_active"]).astype(np.float32)
        attention, propensity = predict_sessions(
            self.pair,
            _columns(model_input, names["categorical"], plays, np.int64),
            _columns(model_input, names["numeric"], plays, np.float32),
            feedback,
            lengths,
            BATCH_PLAYS,
        )
        values = attention if self.output == "attention" else propensity
        ends = np.cumsum(lengths)
        return pd.DataFrame(
            {self.output: [values[end - n : end].tolist() for n, end in zip(lengths, ends, strict=True)]}
        )


def _flat(column: Any) -> Any:
    return np.concatenate([np.asarray(values) for values in column]) if len(column) else np.empty(0)


def _columns(frame: Any, names: list[str], plays: int, kind: Any) -> Any:
    matrix = np.empty((plays, len(names)), dtype=kind)
    for index, name in enumerate(names):
        matrix[:, index] = _flat(frame[name])
    return matrix


mlflow.models.set_model(ServedModel())
