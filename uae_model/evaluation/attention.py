"""Attention of every play by each estimator, trained once a seed as ``uae train`` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from uae_model import __version__
from uae_model.config import Config
from uae_model.config.evaluation import CHAMPION
from uae_model.config.model_sections import TrainingSettings
from uae_model.core.digests import NAME_DIGITS, json_digest
from uae_model.core.logs import log
from uae_model.evaluation.plays import EvaluationPlays
from uae_model.models.inference import predict_sessions
from uae_model.models.pair import AttentionKind, NetworkPair
from uae_model.models.process_group import ProcessGroup
from uae_model.training.job import TrainingJob, load_tensors, save_tensors
from uae_model.training.loop import Trainer
from uae_model.training.reporting import SilentReporter

Floats = NDArray[np.float64]


class AttentionSource(Protocol):
    """Gives each estimator's attention of the evaluated plays."""

    def attention(self, estimator: str, seed: int) -> Floats:
        """Return attention_N, in the order of the plays."""
        ...


@dataclass(frozen=True)
class GivenAttention:
    """Attention that is known already, whatever estimator and seed are asked for."""

    attention_N: Floats

    def attention(self, estimator: str, seed: int) -> Floats:
        """Return attention_N, in the order of the plays."""
        del estimator, seed
        return self.attention_N


@dataclass(frozen=True)
class ChampionBeside:
    """The champion's attention, which is known, beside what another source gives.

    Attributes:
        attention_N: the champion's.
        others: gives that of the estimators.
    """

    attention_N: Floats
    others: AttentionSource

    def attention(self, estimator: str, seed: int) -> Floats:
        """Return attention_N, in the order of the plays."""
        return self.attention_N if estimator == CHAMPION else self.others.attention(estimator, seed)


def pair_attention(
    pair: NetworkPair, plays: EvaluationPlays, batch_plays: int, kind: AttentionKind | None = None
) -> Floats:
    """Return a pair's attention of every play, of the estimator's own kind by default."""
    attention_N, _ = predict_sessions(
        pair,
        plays.categorical_NF,
        plays.numeric_NF,
        plays.active_N.astype(np.float32),
        plays.lengths_S,
        batch_plays,
        kind,
    )
    return attention_N


@dataclass(frozen=True)
class TrainedAttention:
    """Trains estimators in this process on a session snapshot and keeps their attention for the next call.

    Attributes:
        plays: all plays of the evaluation.
        snapshot: writes their training and validation sessions where that has not been done, and returns the
            folder (``uae_model.snapshot.manifest``); called when something is trained.
        config: networks, training and scoring settings.
        folder: folder or URI for checkpoints and attention.
    """

    plays: EvaluationPlays
    snapshot: Callable[[], str]
    config: Config
    folder: str

    def attention(self, estimator: str, seed: int) -> Floats:
        """Return the attention that the estimator is meant for: smoothed for chain, joint and auto."""
        folder = f"{self.folder.rstrip('/')}/{estimator}-{seed}-{self._key(estimator, seed)}"
        stored = load_tensors(f"{folder}/attention.pt")
        if stored is not None:
            known_N: Floats = stored["attention_N"].numpy()
            return known_N
        pair = self._trained(estimator, seed, folder)
        attention_N = pair_attention(pair, self.plays, self.config.scoring.batch_plays)
        save_tensors(f"{folder}/attention.pt", {"attention_N": torch.from_numpy(attention_N)})
        return attention_N

    def _trained(self, estimator: str, seed: int, folder: str) -> NetworkPair:
        job = TrainingJob(
            snapshot_root=self.snapshot(),
            network=self.config.network,
            training=self._training(estimator, seed),
            checkpoint_folder=folder,
        )
        result = Trainer(job, ProcessGroup(), SilentReporter()).train()
        pair = NetworkPair.from_state(result.state())
        log(
            "attention trained",
            estimator=estimator,
            seed=seed,
            chosen=result.estimator,
            rho=result.stickiness,
        )
        return pair

    def _training(self, estimator: str, seed: int) -> TrainingSettings:
        changed = {"estimator": estimator, "seed": seed, "processes": 1}
        return self.config.training.model_copy(update=changed)

    def _key(self, estimator: str, seed: int) -> str:
        content = {
            "version": __version__,
            "plays": self.plays.identity,
            "network": self.config.network.model_dump(mode="json"),
            "training": self._training(estimator, seed).model_dump(mode="json"),
        }
        return json_digest(content, NAME_DIGITS)
