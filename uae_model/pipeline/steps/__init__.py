"""The steps of a night, one file each, in the order in which they run."""

from __future__ import annotations

from uae_model.config import Config
from uae_model.pipeline.step import Step
from uae_model.pipeline.steps.dimensions import dimension_steps
from uae_model.pipeline.steps.features import FEATURES
from uae_model.pipeline.steps.feed import SLOTS
from uae_model.pipeline.steps.health import FEATURE_HEALTH
from uae_model.pipeline.steps.partials import PARTIALS
from uae_model.pipeline.steps.plays import PLAYS
from uae_model.pipeline.steps.publication import PUBLICATION
from uae_model.pipeline.steps.scores import SCORES
from uae_model.pipeline.steps.training import TRAINING

__all__ = [
    "FEATURE_STEPS",
    "PLAYS",
    "PUBLICATION",
    "SCORES",
    "SCORE_STEPS",
    "TRAINING",
    "ingest_steps",
    "steps_of_night",
]


def ingest_steps(config: Config) -> list[Step]:
    """Return what brings the feeds into tables."""
    return [SLOTS, *dimension_steps(config)]


FEATURE_STEPS = (PARTIALS, FEATURES)
SCORE_STEPS = (FEATURE_HEALTH, SCORES)


def steps_of_night(config: Config) -> list[Step]:
    """Return all steps, in their order."""
    return [*ingest_steps(config), PLAYS, *FEATURE_STEPS, TRAINING, *SCORE_STEPS, PUBLICATION]
