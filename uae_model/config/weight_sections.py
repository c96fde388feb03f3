"""The sections of the configuration about weights: the function, and how it is chosen on data."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from uae_model.config.base import Positive, PositiveInt, Section


class WeightSettings(Section):
    """From attention to the weight of a passive play; an active one weighs 1."""

    attention: Literal["own", "prediction", "filtered", "smoothed"] = Field(
        default="own",
        description="What attention may rest on: prediction (earlier plays), filtered (the play's feedback "
        "too), smoothed (the whole session's feedback); own: what the estimator is meant for "
        "(smoothed for chain and joint, prediction for the others)",
    )
    attention_mean: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Known share of attended plays: attention is shifted, in logits, until the validation "
        "days have this mean",
    )
    function: Literal["linear", "power", "scaled", "constant", "auto"] = Field(
        default="linear",
        description="How a weight follows from attention; "
        "linear: w = attention; power: w = 1 - (attention + 1)^-gamma (Eq. 19); scaled: "
        "attention times a factor, so that passive plays of the validation days have mean weights.mean; "
        "constant: weights.mean; auto: the one that was chosen on data with the model (uae tune)",
    )
    gamma: Positive = Field(
        default=15.0, description="Exponent of the function power; the paper tunes it in 5, 10, 15, 20, 25"
    )
    mean: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.1, description="Mean weight of passive plays that the functions scaled and constant give"
    )


CANDIDATE_WEIGHTING = re.compile(r"none|active_only|linear|constant:0?\.\d+|scaled:0?\.\d+|power:\d+(\.\d+)?")


def _known_candidate(name: str) -> str:
    if CANDIDATE_WEIGHTING.fullmatch(name):
        return name
    raise ValueError(
        "allowed: none, active_only, linear, constant:MEAN, scaled:MEAN (MEAN below 1) and power:GAMMA"
    )


CandidateWeighting = Annotated[str, AfterValidator(_known_candidate)]


class WeightChoiceSettings(Section):
    """How ``weights.function = "auto"`` is chosen: at the end of training, and by ``uae tune``."""

    candidates: tuple[CandidateWeighting, ...] = Field(
        default=(
            *("none", "active_only", "constant:0.05", "constant:0.1", "constant:0.2", "constant:0.4"),
            *("linear", "scaled:0.05", "scaled:0.1", "scaled:0.2", "scaled:0.4"),
            *("power:1", "power:5", "power:15"),
        ),
        description="Weightings that are compared: none (every play weighs 1), active_only (passive plays "
        "weigh 0), constant:MEAN, linear, scaled:MEAN, power:GAMMA; none and linear must be among them",
    )
    fits: Annotated[int, Field(ge=2)] = Field(
        default=3, description="Fits of the base model to each weighting, each with a seed of its own"
    )
    max_plays: PositiveInt = Field(
        default=100_000, description="Plays to train on and to judge, at most; of more, users are drawn"
    )

    @field_validator("candidates")
    @classmethod
    def _has_both_ends(cls, candidates: tuple[str, ...]) -> tuple[str, ...]:
        """The base, over which gains are told, and linear, which ties go to."""
        missing = [name for name in ("none", "linear") if name not in candidates]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be among them")
        return tuple(dict.fromkeys(candidates))
