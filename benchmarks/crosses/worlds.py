"""The world, the days and the features that crosses are measured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.downstream.worlds import ACTS_ON_DISLIKES, ACTS_ON_LIKES
from benchmarks.estimators.simulated import SimulatedPlays
from uae_model.config import Config, load_config, parse_config
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION
from uae_model.simulation.calibrate import calibrated
from uae_model.simulation.world import World

USERS, SONGS = 1_500, 400
HISTORY_DAYS = 21
"""Days before the first training day; also the window, so that every play sees as many days."""

TRAIN_DAYS, VALIDATION_DAYS, TEST_DAYS = 7, 1, 1
DAYS = HISTORY_DAYS + TRAIN_DAYS + VALIDATION_DAYS + TEST_DAYS

_LAST_TRAINED = HISTORY_DAYS + TRAIN_DAYS
SPLITS = {
    TRAIN: range(HISTORY_DAYS, _LAST_TRAINED),
    VALIDATION: range(_LAST_TRAINED, _LAST_TRAINED + VALIDATION_DAYS),
    TEST: range(_LAST_TRAINED + VALIDATION_DAYS, DAYS),
}

ENTITIES = {"user_artist": ["user", "artist"], "user_song": ["user", "song"]}
AGGREGATES: dict[str, dict[str, Any]] = {
    "plays": {"function": "count"},
    "likes": {"function": "count", "feedback": ["like", "share", "download"]},
    "skips": {"function": "count", "feedback": ["skip", "dislike"]},
    "like_rate": {"function": "rate", "feedback": ["like", "share", "download"]},
    "skip_rate": {"function": "rate", "feedback": ["skip", "dislike"]},
    "completed_rate": {"function": "rate", "plays": "completed"},
    "last_seen": {"function": "last_seen"},
}
"""Of each entity; rates stay as they are, counts and days go through log1p."""

IDS = ("user", "song", "artist")
PLAIN = tuple(feature.name for feature in load_config(None).features)
"""The 12 features that the chain has without the crosses."""

CROSSES = tuple(f"{entity}_{name}" for entity in ENTITIES for name in AGGREGATES)

MODEL = "DCN-V2"
WEIGHTINGS = ("none", "auto", "active_only")
CLAIMED = ("none", "auto")
BATCH_SIZE = 256
"""Of the recommender: with the default 4,096 the 100,000 plays of a world are 26 steps an epoch, and ids
alone have learnt nothing by the last one."""


@dataclass(frozen=True)
class Law:
    """A world's title and what it has beside the simulator's defaults."""

    title: str
    law: Mapping[str, float]


# In the world "likes" a negative label is rarest for the best and the worst liked songs: who dislikes one
# says nothing, and auto-play counts as positive. Unless passive plays weigh little, labels mislead.
LAWS = {
    "dislikes": Law("feedback comes from disliking", {"liking_effect": ACTS_ON_DISLIKES}),
    "likes": Law("feedback comes from liking", {"liking_effect": ACTS_ON_LIKES}),
}


def crosses() -> list[dict[str, Any]]:
    """Return the declarations of the aggregates, as a configuration holds them."""
    return [
        {
            "name": f"{entity}_{name}",
            "role": "preference",
            "transform": "none" if name.endswith("_rate") else "log1p",
            "aggregate": {"entity": columns, "windows": HISTORY_DAYS, **declared},
        }
        for entity, columns in ENTITIES.items()
        for name, declared in AGGREGATES.items()
    ]


def config_of(seed: int) -> Config:
    """Return the default configuration with the crosses after its 12 features."""
    default = load_config(None)
    listed = [feature.model_dump() for feature in default.features]
    training = default.training.model_copy(update={"processes": 1, "seed": seed})
    evaluation = default.evaluation.model_copy(update={"batch_size": BATCH_SIZE})
    features = parse_config({"features": [*listed, *crosses()]}).features
    changed = default.model_copy(update={"training": training, "evaluation": evaluation})
    return changed.with_features(features)


def world_of(law: str, seed: int, users: int) -> World:
    """Return the calibrated world of a law and a seed."""
    changed: dict[str, Any] = dict(LAWS[law].law)
    return calibrated(World(seed=seed, days=DAYS, users=users, songs=SONGS, **changed))


def narrowed(plays: SimulatedPlays, config: Config, names: tuple[str, ...]) -> SimulatedPlays:
    """Return the plays with some of the configuration's features only."""
    categorical, numeric = (
        [column for column, feature in enumerate(of_kind) if feature.name in names]
        for of_kind in (config.features.categorical, config.features.numeric)
    )
    return replace(
        plays,
        categorical_NF=plays.categorical_NF[:, categorical],
        numeric_NF=np.ascontiguousarray(plays.numeric_NF[:, numeric]),
    )


def with_features(config: Config, names: tuple[str, ...]) -> Config:
    """Return the configuration with some of its features only."""
    return config.with_features(feature for feature in config.features if feature.name in names)
