"""The world and the grids that weightings are compared in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.estimators.simulated import SimulatedPlays, simulate_plays, write_simulated_snapshot
from uae_model.config import Config, load_config
from uae_model.config.estimators import PAPER_NAMES
from uae_model.config.evaluation import BASE_MODEL_NAMES, WEIGHTING_NAMES
from uae_model.evaluation.attention import TrainedAttention
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION, EvaluationPlays
from uae_model.evaluation.trials import Trial, TrialRunner
from uae_model.simulation.calibrate import calibrated
from uae_model.simulation.listening import draw_plays
from uae_model.simulation.world import Block, World

USERS, SONGS = 1_500, 2_000
TRAIN_DAYS, VALIDATION_DAYS, TEST_DAYS = 7, 1, 1
"""The paper's Product split: nine days."""

SPLITS = {
    TRAIN: range(TRAIN_DAYS),
    VALIDATION: range(TRAIN_DAYS, TRAIN_DAYS + VALIDATION_DAYS),
    TEST: range(TRAIN_DAYS + VALIDATION_DAYS, TRAIN_DAYS + VALIDATION_DAYS + TEST_DAYS),
}


ACTS_ON_DISLIKES = -0.8
"""Effect of liking on the propensity, in logits: who dislikes a song skips it, who likes it listens on. That
is the premise under which an attended passive play is a positive: 65 % of them are relevant, 58 % of the
unattended ones."""

ACTS_ON_LIKES = 0.8
"""The simulator's default: liking provokes feedback, so an attended passive play is liked LESS than an
unattended one, and no weight that rises with attention can beat dropping all passive plays."""


@dataclass(frozen=True)
class Grid:
    """Cells that are computed together; ``profile`` names the settings of estimators and weights."""

    title: str
    models: tuple[str, ...]
    weightings: tuple[str, ...]
    seeds: int
    profile: str = "default"
    liking_effect: float = ACTS_ON_DISLIKES

    def trials(self, seed: int) -> list[Trial]:
        """Return the trials of a seed."""
        return [Trial(model, weighting, seed) for model in self.models for weighting in self.weightings]


GRIDS = {
    "full": Grid(
        "three base models, every weighting",
        ("FM", "AutoInt", "DCN-V2"),
        WEIGHTING_NAMES,
        seeds=5,
    ),
    "functions": Grid(
        "weight functions on FM",
        ("FM",),
        ("none", "auto", "auto:power:15", "uae", "uae:linear", "constant:0.1", "auto:scaled:0.1"),
        seeds=5,
    ),
    "seven": Grid(
        "all seven base models", BASE_MODEL_NAMES, ("none", "constant", "uae", "auto", "truth"), seeds=5
    ),
    "likes": Grid(
        "FM where feedback comes from liking: the premise of the weights does not hold",
        ("FM",),
        ("none", "constant", "active_only", "uae", "auto", "truth"),
        seeds=5,
        liking_effect=ACTS_ON_LIKES,
    ),
    "paper": Grid(
        "Table V at the paper's own settings (profile paper)",
        ("AutoInt", "DCN-V2"),
        ("none", *PAPER_NAMES[::-1]),
        seeds=5,
        profile="paper",
    ),
}


def world_of(liking_effect: float, seed: int, users: int) -> World:
    """Return the calibrated world of a law and seed: nine days."""
    days = sum(map(len, SPLITS.values()))
    return calibrated(World(seed=seed, days=days, users=users, songs=SONGS, liking_effect=liking_effect))


def config_of(profile: str, seed: int) -> Config:
    """Return a profile's settings; estimators train as one process, with the seed of the world."""
    config = load_config(None, profile=profile)
    training = config.training.model_copy(update={"processes": 1, "seed": seed})
    return config.model_copy(update={"training": training})


def trial_runner(world: World, config: Config, folder: Path) -> TrialRunner:
    """Return the runner of trials on a world's plays; snapshots and attention lie in ``folder``."""
    parts = {split: simulate_plays(world, days, config) for split, days in SPLITS.items()}
    plays = evaluation_plays(world, parts)
    manifest = write_simulated_snapshot(folder / "snapshot", parts[TRAIN], parts[VALIDATION], config)
    return TrialRunner(plays, TrainedAttention(plays, lambda: manifest.root, config, str(folder)), config)


def evaluation_plays(
    world: World, parts: Mapping[int, SimulatedPlays], splits: Mapping[int, range] = SPLITS
) -> EvaluationPlays:
    """Return the encoded plays of each split with users, labels and truth; ``splits`` has their days."""
    drawn = [
        draw_plays(world, Block(day, index))
        for split in parts
        for day in splits[split]
        for index in range(world.blocks_per_day)
    ]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts.values()])

    def true(name: str) -> Any:
        return np.concatenate([getattr(plays, name) for plays in drawn])

    active_N, relevance_N = true("active_N"), true("relevance_N").astype(np.int8)
    return EvaluationPlays(
        identity=f"{world}",
        categorical_NF=joined("categorical_NF").astype(np.int64),
        numeric_NF=joined("numeric_NF"),
        lengths_S=joined("lengths_S"),
        user_N=true("user_N"),
        split_N=np.repeat(np.array(list(parts), np.int8), [part.plays for part in parts.values()]),
        active_N=active_N,
        # Table I: what an active listener did says whether the song was liked, auto-play counts as liked.
        label_N=np.where(active_N, relevance_N, 1).astype(np.int8),
        relevance_N=relevance_N,
        attended_N=true("attended_N").astype(np.int8),
    )
