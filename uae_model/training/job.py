"""What a training process is told, and what it gives back."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from uae_model import __version__
from uae_model.config.model_sections import NetworkSettings, TrainingSettings
from uae_model.core.any_storage import filesystem_of
from uae_model.core.atomic import write_whole
from uae_model.core.digests import CONTENT_DIGITS, json_digest
from uae_model.core.errors import ModelError
from uae_model.models.networks import Inputs, NetworkShape
from uae_model.snapshot.manifest import Manifest

HOW_IT_RUNS = {"distributed", "checkpoint_steps", "rank_timeout_minutes"}
"""Settings of training by which the trained networks do not differ."""


@dataclass(frozen=True)
class TrainingJob:
    """What every rank is told; pickled once, on its way to the ranks.

    Attributes:
        snapshot_root: folder or URI of a completed snapshot.
        network: sizes of the networks.
        training: how they are trained.
        checkpoint_folder: folder or URI for checkpoints and the result, which every rank reaches.
        tracking_uri: of MLflow; read only with a ``run_id``.
        run_id: the MLflow run that metrics go to; empty: to none.
        champion_path: file with the champion's networks, to be judged on the same validation days; empty
            where there is no champion with the same features.
    """

    snapshot_root: str
    network: NetworkSettings
    training: TrainingSettings
    checkpoint_folder: str
    tracking_uri: str = ""
    run_id: str = ""
    champion_path: str = ""


@dataclass
class TrainingResult:
    """The best epoch of the chosen candidate; networks lie beside it.

    Attributes:
        networks_path: file with the networks, traits and calibration.
        metrics: of the best epoch.
        history: metrics of every epoch of the chosen candidate.
        estimator: its name.
        stickiness: its rho.
        accidental: its eps, the probability that a play without attention is active.
        candidates: what was compared, the chosen one first (``uae_model.training.comparison.Comparison``).
        warnings: collapsed solutions, in words.
    """

    networks_path: str
    metrics: dict[str, float]
    history: list[dict[str, float]] = field(default_factory=list)
    estimator: str = ""
    stickiness: float = 0.0
    accidental: float = 0.0
    candidates: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def state(self) -> dict[str, Any]:
        """Return the stored networks, for ``NetworkPair.from_state``.

        Raises:
            ModelError: if the training left none.
        """
        state = load_tensors(self.networks_path)
        if state is None:
            raise ModelError(f"training left no networks at {self.networks_path}")
        return state


def training_key(manifest: Manifest, network: NetworkSettings, training: TrainingSettings) -> str:
    """Return a digest of all that the trained networks depend on: the same key, the same networks."""
    content = {
        "version": __version__,
        "snapshot": manifest.snapshot_id,
        "network": network.model_dump(mode="json"),
        "training": training.model_dump(mode="json", exclude=HOW_IT_RUNS),
    }
    return json_digest(content, CONTENT_DIGITS)


def network_shape(manifest: Manifest, network: NetworkSettings, training: TrainingSettings) -> NetworkShape:
    """Return the shape that the manifest's features and the configured sizes give.

    Its inputs follow the features' roles; an estimator that takes no roles drops them.
    """
    return NetworkShape(
        buckets=manifest.features.buckets,
        numeric=len(manifest.features.numeric),
        embedding=network.embedding,
        hidden=network.hidden,
        mlp=network.mlp,
        feedback_hidden=network.feedback_hidden,
        attention_inputs=Inputs(*manifest.features.seen_by("context")),
        propensity_inputs=Inputs(*manifest.features.seen_by("preference")),
        half_life=training.decay_half_life,
        chain_context=network.chain_context,
        numeric_boundaries=manifest.numeric_boundaries,
    )


def save_tensors(path: str, content: dict[str, Any]) -> None:
    """Write tensors and plain values so that a reader sees the old file or the new one, never a part."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_whole(path, buffer.getvalue())


def load_tensors(path: str) -> dict[str, Any] | None:
    """Return what ``save_tensors`` wrote, or None where there is nothing; refuses anything but tensors."""
    filesystem, target = filesystem_of(path)
    if not filesystem.exists(target):
        return None
    with filesystem.open(target, "rb") as file:
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return content
