"""A small evaluation: a few hundred plays whose labels follow the song, with a known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uae_model.config import Config, load_config
from uae_model.evaluation.plays import EvaluationPlays

SETTINGS = (
    "evaluation.mlp=[8]",
    "evaluation.epochs=2",
    "evaluation.batch_size=128",
    "evaluation.embedding=2",
    'evaluation.models=["FM", "DCN"]',
    'evaluation.weightings=["none", "constant", "auto", "truth"]',
    "evaluation.seeds=[1, 2]",
)


def small_config(*overrides: str) -> Config:
    """Return the default configuration with small base models."""
    return load_config(None, overrides=[*SETTINGS, *overrides])


def small_plays(config: Config, *, plays: int = 600, truth: bool = True, seed: int = 0) -> EvaluationPlays:
    """Return sessions of four plays: a third of the plays active, half of them relevant by their song."""
    random = np.random.default_rng(seed)
    categorical = config.features.categorical
    buckets_NF = np.stack([random.integers(0, min(f.buckets, 20), plays) for f in categorical], axis=1)
    song = [feature.name for feature in categorical].index("song")
    relevant_N = (buckets_NF[:, song] % 2).astype(np.int8)
    active_N = random.random(plays) < 1 / 3
    attended_N = active_N | (random.random(plays) < 0.3)
    return EvaluationPlays(
        identity=f"small-{plays}-{seed}-{truth}",
        categorical_NF=buckets_NF.astype(np.int64),
        numeric_NF=random.normal(size=(plays, len(config.features.numeric))).astype(np.float32),
        lengths_S=np.full(plays // 4, 4),
        user_N=np.arange(plays) // 4 % 7,
        split_N=np.repeat(
            np.array([0, 1, 2], np.int8), [plays // 2, plays // 4, plays - plays // 2 - plays // 4]
        ),
        active_N=active_N,
        label_N=np.where(active_N, relevant_N, 1).astype(np.int8),
        relevance_N=relevant_N if truth else None,
        attended_N=attended_N.astype(np.int8) if truth else None,
    )


class KnownAttention:
    """Stands in for trained estimators: a number for each play, and a record of what was asked for."""

    def __init__(self, attention_N: NDArray[np.float64]) -> None:
        self.attention_N = attention_N
        self.asked: list[tuple[str, int]] = []

    def attention(self, estimator: str, seed: int) -> NDArray[np.float64]:
        self.asked.append((estimator, seed))
        return self.attention_N


def steady_attention(plays: EvaluationPlays, value: float = 0.25) -> KnownAttention:
    """Return a source that gives every play the same attention."""
    return KnownAttention(np.full(len(plays), value))


class MemoryStore:
    """Results in a dictionary."""

    def __init__(self) -> None:
        self.results: dict[str, dict[str, float]] = {}

    def known(self) -> dict[str, dict[str, float]]:
        return dict(self.results)

    def save(self, key: str, result: Any) -> None:
        self.results[key] = dict(result.metrics)
