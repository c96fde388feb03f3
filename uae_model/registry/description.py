"""How MLflow shows a registered version: its inputs and outputs, an example, and what it was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from mlflow.types.schema import AnyType

from uae_model.config import Config
from uae_model.models.networks import Inputs, NetworkShape
from uae_model.registry.served_plays import FEEDBACK, POSITION, SESSION
from uae_model.snapshot.manifest import Manifest
from uae_model.training.job import TrainingResult

MEANINGS = {
    "attention": "The probability that the user attended to a play.",
    "propensity": "The probability that a user who attends to a play gives feedback.",
}
"""What each of the two models gives."""

OPEN = AnyType()  # type: ignore[no-untyped-call]
"""A scalar where a row is a play, an array where a row is a session."""


def signature(output: str, config: Config) -> ModelSignature:
    """Return the input and output columns."""
    columns = dict.fromkeys(feature.column for feature in config.features)
    inputs: list[ColSpec | TensorSpec] = [ColSpec(OPEN, name) for name in (*columns, FEEDBACK)]
    inputs += [ColSpec(OPEN, name, required=False) for name in (SESSION, POSITION) if name not in columns]
    return ModelSignature(Schema(inputs), Schema([ColSpec(OPEN, output)]))


def input_example(config: Config) -> pd.DataFrame:
    """Return a session of two plays; MLflow runs the model on it before it is registered."""
    columns: dict[str, list[Any]] = {
        feature.column: [f"a {feature.name}", None] if feature.is_categorical else [0.5, None]
        for feature in config.features
    }
    return pd.DataFrame({**columns, FEEDBACK: [True, False], SESSION: ["a session"] * 2, POSITION: [1, 2]})


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


def training_tags(manifest: Manifest, result: TrainingResult) -> dict[str, str]:
    """Return the tags of a version: what a person looks for among versions. Its run has the rest."""
    data = data_tags(manifest)
    return {
        "estimator": result.estimator,
        **{name: data[name] for name in ("training_days", "validation_days")},
        "warnings": "; ".join(result.warnings),
    }


def last_day_of(tags: Mapping[str, str]) -> date | None:
    """Return the last day that a version was trained or validated on, None where its tags do not tell."""
    last = tags.get("validation_days", "").rpartition("..")[2]
    return date.fromisoformat(last) if last else None


def estimate_tags(manifest: Manifest, result: TrainingResult, shape: NetworkShape) -> dict[str, str]:
    """Return the tags that a run gets from what its training gave."""
    return {
        "estimator": result.estimator,
        "stickiness": f"{result.stickiness:g}",
        "accidental": f"{result.accidental:g}",
        **input_tags(manifest, shape),
        "candidates": json.dumps(result.candidates),
    }


def training_description(manifest: Manifest, result: TrainingResult) -> str:
    """Return what was trained on what, and how well it explains held-out plays, for a person."""
    data = data_tags(manifest)
    sentences = [
        f"Estimator `{result.estimator}` (stickiness {result.stickiness:g}), trained on "
        f"{manifest.train.plays:,} plays of {_days(data['training_days'])}, judged on "
        f"{_days(data['validation_days'])}."
    ]
    losses = {
        "validation loss": "validation_nll",
        "constant base rate": "validation_base_rate_nll",
        "the champion of then": "champion_validation_nll",
    }
    told = [f"{words} {result.metrics[name]:.4f}" for words, name in losses.items() if name in result.metrics]
    if told:
        sentences.append(f"In nats a play: {', '.join(told)}.")
    sentences += [f"Warning: {warning}." for warning in result.warnings]
    return " ".join(sentences)


def model_description(output: str, config: Config) -> str:
    """Return what a registered model gives, and what it takes, for a person."""
    columns = ", ".join(dict.fromkeys(f"`{feature.column}`" for feature in config.features))
    return (
        f"{MEANINGS[output]} Each version is one training of `uae train`; the one with the alias `champion` "
        f"scores.\n\nPlays go in as they stand in the tables: {columns} and `{FEEDBACK}`, with "
        f"`{SESSION}` and `{POSITION}`, a row a play; or an array for each column, a row a session."
    )


def _days(interval: str) -> str:
    return " to ".join(dict.fromkeys(interval.split("..")))


def data_tags(manifest: Manifest) -> dict[str, str]:
    """Return what a version was trained and judged on."""
    return {
        "snapshot": manifest.snapshot_id,
        "plays_delta_version": str(manifest.table_version),
        "training_days": f"{manifest.train.days[0]}..{manifest.train.days[-1]}",
        "validation_days": f"{manifest.validation.days[0]}..{manifest.validation.days[-1]}",
        "training_plays": str(manifest.train.plays),
    }
