"""The section ``evaluation``: what ``uae evaluate`` compares, and how base models are trained."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from uae_model.config.base import Positive, PositiveInt, Section
from uae_model.config.estimators import AUTO, ESTIMATOR_NAMES, PAPER_NAMES

BaseModelName = Literal["FM", "Wide&Deep", "DeepFM", "YoutubeNet", "DCN", "AutoInt", "DCN-V2"]
BASE_MODEL_NAMES: tuple[BaseModelName, ...] = get_args(BaseModelName)
"""The paper's base models (Sec. VI-A), in the order of its Table IV."""

TRUTH = "truth"
"""The weighting by the simulation's own attention."""

CHAMPION = "champion"
"""The weighting by the attention of the registered champion: nothing is trained for it."""

ATTENTION_SOURCES = (*ESTIMATOR_NAMES[::-1], AUTO, CHAMPION, TRUTH)
"""Whose attention a weighting may take."""

WEIGHTING = re.compile(
    r"none|active_only|constant(:0?\.\d+)?"
    rf"|({'|'.join(ATTENTION_SOURCES)})(:(linear|power:\d+(\.\d+)?|scaled:0?\.\d+))?"
)


def _known_weighting(name: str) -> str:
    if WEIGHTING.fullmatch(name):
        return name
    raise ValueError(
        f"allowed: none, active_only, constant or constant:MEAN, and {', '.join(ATTENTION_SOURCES)}, "
        "alone or with :linear, :power:GAMMA or :scaled:MEAN (MEAN below 1)"
    )


WeightingName = Annotated[str, AfterValidator(_known_weighting)]
WEIGHTING_NAMES = ("none", "constant", "active_only", *PAPER_NAMES[::-1], AUTO, TRUTH)


class EvaluationSettings(Section):
    """How ``uae evaluate`` compares weightings downstream; nothing that a night writes depends on it."""

    models: tuple[BaseModelName, ...] = Field(
        default=BASE_MODEL_NAMES, min_length=1, description="Base models that are trained on the weights"
    )
    weightings: tuple[WeightingName, ...] = Field(
        default=WEIGHTING_NAMES,
        min_length=1,
        description="What is compared: none (every play weighs 1), constant (the mean weight that "
        "champion gives where that is compared, else auto), active_only, an estimator, champion (the "
        "registered one, which needs no training) or truth (the simulation's attention); "
        "SOURCE:FUNCTION[:NUMBER] sets another weight function, such as uae:linear, auto:power:5, "
        "auto:scaled:0.1, constant:0.1",
    )
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(1, 2, 3, 4, 5),
        min_length=1,
        description="Seeds of the estimators and base models; one run for each",
    )
    test_days: PositiveInt = Field(
        default=1, description="Days on whose plays the base models are judged, after the validation days"
    )
    max_plays: PositiveInt | None = Field(
        default=None,
        description="For a quick look: base models are trained and judged on about so many plays; of more, "
        "users are drawn by a hash of their id, each with all plays, the same for all weightings. Estimators "
        "are trained on all plays",
    )
    embedding: PositiveInt = Field(default=8, description="Width of each embedding of a base model")
    mlp: tuple[PositiveInt, ...] = Field(
        default=(256, 128, 64), min_length=1, description="Hidden layers of the base models' MLPs"
    )
    batch_size: Annotated[int, Field(ge=2)] = Field(default=4096, description="Plays of a training step")
    learning_rate: Positive = Field(default=5e-3, description="Learning rate of the base models (Adam)")
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        default=1e-3, description="Weight decay of the base models (Adam)"
    )
    epochs: PositiveInt = Field(default=8, description="Passes over the training plays, at most")
    patience: PositiveInt = Field(
        default=2, description="Epochs without a better weighted validation loss before training stops"
    )
    experiment: str = Field(
        default="uae-evaluation", min_length=1, description="MLflow experiment; each trial is one run of it"
    )
