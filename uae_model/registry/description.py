"""How MLflow shows a registered version: its inputs and outputs, an example, and what it was trained on."""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from mlflow.types.schema import Array

from uae_model.config import Config
from uae_model.models.networks import Inputs, NetworkShape
from uae_model.snapshot.manifest import Manifest


def signature(output: str, config: Config) -> ModelSignature:
    """Return the input and output columns: one array per declared feature and session."""
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec(Array(DataType.long if feature.is_categorical else DataType.double), feature.name)
        for feature in config.features
    ]
    inputs.append(ColSpec(Array(DataType.boolean), "is_active"))
    return ModelSignature(Schema(inputs), Schema([ColSpec(Array(DataType.double), output)]))


def input_example(config: Config) -> pd.DataFrame:
    """Return one session of two plays; MLflow runs the model on it before it is registered."""
    columns: dict[str, list[list[Any]]] = {
        feature.name: [[0, 1]] if feature.is_categorical else [[0.0, 1.0]] for feature in config.features
    }
    columns["is_active"] = [[True, False]]
    return pd.DataFrame(columns)


def input_tags(manifest: Manifest, shape: NetworkShape) -> dict[str, str]:
    """Return the names of the features that each network sees."""
    features = manifest.features

    def listed(inputs: Inputs | None) -> str:
        if inputs is None:
            return "all"
        seen = [features.categorical[column] for column in inputs.categorical]
        seen += [features.numeric[column] for column in inputs.numeric]
        return ", ".join(feature.name for feature in seen)

    attention = "none, only feedback" if shape.attention == "decay" else listed(shape.attention_inputs)
    return {"attention_features": attention, "propensity_features": listed(shape.propensity_inputs)}


def data_tags(manifest: Manifest) -> dict[str, str]:
    """Return what a version was trained and judged on."""
    return {
        "snapshot": manifest.snapshot_id,
        "plays_delta_version": str(manifest.table_version),
        "training_days": f"{manifest.train.days[0]}..{manifest.train.days[-1]}",
        "validation_days": f"{manifest.validation.days[0]}..{manifest.validation.days[-1]}",
        "training_plays": str(manifest.train.plays),
    }
