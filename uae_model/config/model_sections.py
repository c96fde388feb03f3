"""The sections of the configuration about models: networks, training, registry, scoring and weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from uae_model.config.base import Positive, PositiveInt, Section
from uae_model.config.estimators import AUTO, AUTO_CANDIDATES, CandidateName, EstimatorName


class NetworkSettings(Section):
    """Sizes of the two networks (Sec. VI-A of the paper; the profile ``paper`` has its sizes)."""

    embedding: PositiveInt = Field(default=8, description="Width of each categorical embedding")
    hidden: PositiveInt = Field(
        default=64,
        description="Width of the state of GRU1 over the features; the paper tunes it in 64, 128, 256",
    )
    feedback_hidden: PositiveInt = Field(
        default=16, description="Width of the state of GRU2 over the feedback"
    )
    mlp: tuple[PositiveInt, ...] = Field(default=(64, 32), description="Hidden layers of each MLP")
    chain_context: Literal["step", "gru"] = Field(
        default="step",
        description="Whether the attention of chain and joint reads the play's features alone or, through "
        "GRU1, those before it too",
    )


Stickiness = Annotated[float, Field(ge=0, le=0.95)]
Accidental = Annotated[float, Field(gt=0, le=0.9)]


class TrainingSettings(Section):
    """How the attention and propensity models are trained."""

    estimator: EstimatorName = Field(
        default=AUTO,
        description="The attention estimator; auto trains training.candidates and keeps the one with the "
        "best held-out likelihood",
    )
    candidates: tuple[CandidateName, ...] = Field(
        default=AUTO_CANDIDATES, min_length=1, description="Estimators that auto compares"
    )
    stickiness: tuple[Stickiness, ...] = Field(
        default=(0.2, 0.4, 0.7, 0.9),
        min_length=1,
        description="Probability that attention stays as it was from play to play, of the attention chain; "
        "several values are compared by held-out likelihood (joint is the chain with 0)",
    )
    accidental: tuple[Accidental, ...] = Field(
        default=(0.1, 0.3),
        description="Probability that a play without attention is active by accident (a phone in a pocket), "
        "as a share of the rate of active plays; auto compares these with 0 at the two best values of "
        "stickiness; empty: only 0",
    )
    diagnose_roles: bool = Field(
        default=True,
        description="Whether auto also trains the chosen chain without feature roles, to tell by how many "
        "standard errors the declared roles look wrong; it is never kept (add unrestricted_chain to "
        "training.candidates for that)",
    )
    unrestricted_stickiness: Stickiness = Field(
        default=0.7,
        description="Smallest stickiness of that diagnosis: below it, nothing tells attention from "
        "propensity where both networks see all features",
    )
    selection_plays: PositiveInt = Field(
        default=300_000,
        description="Plays of an epoch, at most, on which auto trains its candidates; the one that is kept "
        "is then trained on the whole window",
    )
    feature_roles: bool = Field(
        default=True,
        description="Whether attention sees only the features of role context or both, and the propensity "
        "only those of role preference or both (chain, joint, uae)",
    )
    window_days: PositiveInt = Field(default=7, description="Days of training plays")
    validation_days: PositiveInt = Field(default=1, description="Held-out days after the window")
    epochs: PositiveInt = Field(default=6, description="Passes over the window (N_e), at most")
    patience: PositiveInt = Field(
        default=2, description="Epochs without a better validation likelihood before training stops"
    )
    batch_plays: PositiveInt = Field(
        default=1024,
        description="Padded steps in a batch of one process, at most; sessions = batch_plays / padded "
        "length. A small window has smaller batches, so that an epoch has about 150 steps",
    )
    learning_rate_attention: Positive = Field(
        default=3e-3, description="Learning rate of Adam for the attention network (Theta_g)"
    )
    learning_rate_propensity: Positive = Field(
        default=3e-3, description="Learning rate of Adam for the propensity network (Theta_h)"
    )
    learning_rate_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.6, description="Factor by which both learning rates change after each epoch"
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        default=2e-4, description="Weight decay of Adam for both networks"
    )
    attention_steps: PositiveInt = Field(
        default=1, description="Steps of the attention network on each batch (N_a of Algorithm 1; uae)"
    )
    propensity_steps: PositiveInt = Field(
        default=2, description="Steps of the propensity network on each batch (N_p of Algorithm 1; uae)"
    )
    clip_risk: bool = Field(
        default=True, description="Whether the negative part of each risk is clipped at zero (uae)"
    )
    clip_form: Literal["part", "ascent", "whole"] = Field(
        default="part",
        description="What a clipped step does: part: the positive part alone is minimised; ascent: the "
        "negative part is raised, as in Kiryo et al. 2017; whole: the whole risk is clipped, and the step "
        "does nothing (uae)",
    )
    alternate: Literal["batch", "pass"] = Field(
        default="batch",
        description="Whether the two networks take turns on each batch, or on each pass over the window, as "
        "Algorithm 1 is written (uae)",
    )
    keep_epoch: Literal["best", "last"] = Field(
        default="best",
        description="Whether the epoch with the best held-out likelihood is kept, or the last one",
    )
    attention_floor: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        default=1e-3, description="Smallest alpha^ that the propensity risk divides by; 0: none (uae)"
    )
    propensity_floor: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        default=1e-3, description="Smallest p^ that the attention risk divides by; 0: none (uae)"
    )
    attention_anchor: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Known share of attended plays that training is pulled to (uae); "
        "weights.attention_mean applies one afterwards instead, which measured better",
    )
    anchor_strength: Positive = Field(
        default=1.0, description="Factor of the squared distance to the anchor in the attention risk (uae)"
    )
    decay_half_life: Positive = Field(default=5.0, description="Plays after which attention has halved (edm)")
    seed: int = Field(default=7, ge=0, description="Seed of the initial weights and of the order of the data")
    processes: PositiveInt = Field(default=2, description="Training processes (ranks)")
    distributed: Literal["driver", "cluster"] = Field(
        default="driver", description="Whether the processes run on the driver's machine or as Spark tasks"
    )
    rank_timeout_minutes: Positive = Field(
        default=5.0,
        description="How long a process waits for the others before the training fails, naming the one that "
        "does not answer",
    )
    checkpoint_steps: int = Field(
        default=0,
        ge=0,
        description="Steps between two checkpoints within an epoch; 0: only one at the end of each epoch",
    )


class RegistrySettings(Section):
    """Names in MLflow."""

    experiment: str = Field(default="uae", min_length=1, description="MLflow experiment of the training runs")
    attention_model: str = Field(
        default="uae-attention", min_length=1, description="Registered name of the attention model"
    )
    propensity_model: str = Field(
        default="uae-propensity", min_length=1, description="Registered name of the propensity model"
    )


class PromotionGates(Section):
    """What a candidate must show before it becomes champion."""

    max_nll_increase: Annotated[float, Field(ge=0)] = Field(
        default=0.02,
        description="Share by which the validation loss per play may exceed the champion's on the same days",
    )
    beat_base_rate: bool = Field(
        default=True, description="Whether the validation loss must be below that of the constant base rate"
    )
    min_training_plays: int = Field(default=1000, ge=0, description="Fewest plays in the training window")
    min_evidence_auc: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5,
        description="Smallest ROC-AUC with which attention tells passive plays beside an active one from "
        "others, less two of its standard errors; below 0.5 attention runs against the feedback",
    )
    min_runner_up_agreement: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=0.0,
        description="Smallest rank correlation between the weights of the two best candidates; where they "
        "order passive plays in opposite ways, the choice between them is all that the weights rest on",
    )


class ScoringSettings(Section):
    """How a day is scored."""

    rows_per_task: PositiveInt = Field(
        default=50_000,
        description="Plays a Spark task scores; the number of tasks follows from the day's plays",
    )
    batch_plays: PositiveInt = Field(default=16_384, description="Padded steps in one forward pass")
