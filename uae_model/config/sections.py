"""The sections of the configuration: one class each, every setting with its meaning and range.

Those about models are in ``model_sections``, those about the feed in ``feed_settings``.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from uae_model.config.base import (
    Factor,
    Positive,
    PositiveInt,
    Section,
    Share,
    check_placeholders,
)
from uae_model.config.evaluation import EvaluationSettings
from uae_model.config.feed_settings import FEEDBACK_TYPES, Feedback, FeedSettings
from uae_model.config.model_sections import (
    NetworkSettings,
    PromotionGates,
    RegistrySettings,
    ScoringSettings,
    TrainingSettings,
)
from uae_model.config.retention import RetentionSettings
from uae_model.config.weight_sections import WeightChoiceSettings, WeightSettings


class Paths(Section):
    """Where things lie. Relative paths count from the configuration file's folder."""

    tables: str = Field(default="tables", description="Folder or URI that holds the Delta tables")
    feed: str = Field(
        default="feed/dt={date}",
        description="A delivered slot of the feed: {date}, and {hour} for hourly delivery; "
        "with neither it is one complete file or folder",
    )
    snapshots: str = Field(default="snapshots", description="Training snapshots (Parquet)")
    checkpoints: str = Field(
        default="checkpoints", description="Training checkpoints; shared storage on a cluster"
    )
    reports: str = Field(default="reports", description="HTML reports")
    metrics: str = Field(
        default="",
        description="Folder in which each job leaves the metrics of its last run, as text files of "
        "Prometheus; empty: none",
    )
    mlflow: str = Field(default="sqlite:///mlflow.db", description="MLflow tracking and registry URI")
    mlflow_artifacts: str = Field(
        default="mlflow-artifacts",
        description="Artifact folder of a new experiment; a tracking server has its own",
    )
    hmac_key_file: str = Field(
        default="",
        description="File with the key that pseudonymises user ids (or use identity.hmac_key_env)",
    )

    _known_placeholders = field_validator("feed")(check_placeholders)


class Identity(Section):
    """How user ids are pseudonymised."""

    hmac_key_env: str = Field(
        default="UAE_HMAC_KEY",
        description="Environment variable with the HMAC-SHA256 key; used where paths.hmac_key_file is empty",
    )
    hash_event_ids: bool = Field(
        default=False,
        description="Whether event ids of the feed are hashed with the key as well: whoever has the feed "
        "cannot "
        "link rows by them then, and joins weights to logs only with the key",
    )


class LabelRules(Section):
    """From feedback to e (is_active) and y (label): the paper's Table I unless changed."""

    active: tuple[Feedback, ...] = Field(
        default=("like", "share", "download", "skip", "dislike"),
        description="Feedback that proves attention: e = 1",
    )
    positive: tuple[Feedback, ...] = Field(
        default=("like", "share", "download", "auto_play"), description="Feedback with label y = 1"
    )
    priority: tuple[Feedback, ...] = Field(
        default=("dislike", "download", "share", "like", "skip", "auto_play"),
        description="Which of several actions on one play counts, highest first: a stated opinion "
        "comes before navigation",
    )

    @field_validator("priority")
    @classmethod
    def _all_once(cls, priority: tuple[Feedback, ...]) -> tuple[Feedback, ...]:
        if sorted(priority) != sorted(FEEDBACK_TYPES):
            raise ValueError(f"must list each of {', '.join(FEEDBACK_TYPES)} once")
        return priority


class SessionRules(Section):
    """When a session ends."""

    gap_minutes: Positive = Field(
        default=30.0,
        le=360,
        description="A longer pause from the latest end of the plays before starts a session",
    )
    max_hours: Positive = Field(
        default=6.0,
        le=24,
        description="An unbroken run of listening is cut after this long, which bounds the lookback",
    )
    max_play_hours: Positive = Field(
        default=6.0, le=24, description="A play that claims to be longer is quarantined"
    )
    max_plays_per_user_day: PositiveInt = Field(
        default=2000,
        description="A user with more plays on a UTC day is a bot: that day's plays are excluded",
    )

    @property
    def lookback_days(self) -> int:
        """Days before a day in which a session may have begun that still runs at its midnight."""
        return math.ceil((self.gap_minutes / 60 + self.max_play_hours + self.max_hours) / 24)


class AggregationSettings(Section):
    """What aggregate features count (the features themselves are declared under ``features``)."""

    completed_seconds: Positive = Field(
        default=30.0, description="A play of at least this long counts as completed"
    )


class SnapshotSettings(Section):
    """How training data are laid out for Petastorm."""

    min_fill: Annotated[float, Field(ge=0.5, le=1)] = Field(
        default=0.8, description="Share of padded steps that must be real plays"
    )
    row_group_sessions: PositiveInt = Field(
        default=4096, description="Sessions in a Parquet row group, at most; small ones cost the reader time"
    )
    min_session_plays: PositiveInt = Field(
        default=1, description="Sessions of fewer plays are not trained on; the paper wants 10 of 30-Music"
    )
    max_plays: PositiveInt = Field(
        default=20_000_000,
        description="Plays of a training window, about: of more, as many users are drawn as have these, with "
        "all their sessions, so that training costs no more than this however large the feed is",
    )
    split: Literal["days", "sessions"] = Field(
        default="days",
        description="Which sessions validate: days, those of the last training.validation_days; sessions, "
        "some of all those days, drawn in the ratio of snapshot.shares",
    )
    shares: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        default=(8, 1, 1), description="Training, validation and test sessions where split is sessions"
    )
    split_seed: int = Field(
        default=7, ge=0, description="Seed of the draw of sessions; another one gives another split"
    )


class PublicationChecks(Section):
    """What a day must satisfy before readers see it."""

    max_quarantined_share: Share = Field(
        default=0.05,
        description="Rows of the day's feed that may be in quarantine, of plays and of each dimension",
    )
    min_passive_weight_mean: Share = Field(default=0.0, description="Lowest mean weight of passive plays")
    max_passive_weight_mean: Share = Field(default=1.0, description="Highest mean weight of passive plays")
    neighbours: PositiveInt = Field(
        default=7,
        description="Last days published, without accepted failures, that a day is compared with; fewer than "
        "three judge with the squares of the factors, and with twice the other limits",
    )
    neighbours_from: date | None = Field(
        default=None,
        description="Days before this one are no neighbours: the day of a lasting change that is meant",
    )
    max_volume_factor: Factor = Field(
        default=2.5, description="Plays and sessions: largest factor from the median of the neighbours"
    )
    max_weekday_factor: Factor = Field(
        default=1.4,
        description="Plays and sessions: largest factor from the same day of the week before, where the "
        "median of the neighbours is not close either",
    )
    max_session_length_factor: Factor = Field(
        default=1.35, description="Plays per session: largest factor from the median of the neighbours"
    )
    max_active_factor: Factor = Field(
        default=2.0, description="Odds of a play to be active: largest factor from the neighbours' median"
    )
    max_mean_factor: Factor = Field(
        default=1.6,
        description="Odds m / (1 - m) of the passive plays' mean attention m, and of their mean weight: "
        "largest factor from the median of the neighbours with the same models",
    )
    max_mean_factor_new_model: Factor = Field(
        default=2.5, description="As max_mean_factor, where fewer than three neighbours have the day's models"
    )
    max_weight_psi: Positive = Field(
        default=0.25,
        description="Largest population stability index of the passive weights' distribution, against the "
        "neighbours with the same models",
    )
    max_weight_psi_new_model: Positive = Field(
        default=1.5, description="As max_weight_psi, where fewer than three neighbours have the day's models"
    )
    max_missing_rise: Share = Field(
        default=0.2,
        description="Largest rise of the share of plays without a feature, above the neighbours' median; "
        "judged where feature_health is on",
    )
    max_unseen_rise: Share = Field(
        default=0.2,
        description="Largest rise of the share of plays in buckets that training never had, likewise",
    )
    max_model_age_days: PositiveInt = Field(
        default=90, description="Most days since the last one that the model was trained or validated on"
    )
    max_model_attention: Share = Field(
        default=0.95,
        description="Largest mean attention of the model on its validation days: above it, it has collapsed",
    )
    feature_health: bool = Field(
        default=False,
        description="Whether each scored day is compared, feature by feature, with the training window",
    )
    max_psi: Positive | None = Field(
        default=None,
        description="Largest population stability index of a feature (0.25 is a common limit); null: any",
    )
    psi_ignored: tuple[str, ...] = Field(
        default=("day_of_week",),
        description="Features that max_psi leaves out: no single day has all days of the week",
    )


class NightlySettings(Section):
    """What a night does beside ingest, sessions, score and publish."""

    train: Literal["never", "when_missing", "weekly", "always"] = Field(
        default="when_missing",
        description="When a night also trains and promotes; weekly means on Mondays. Where days of the "
        "window have no plays, the night warns and the current champion stays",
    )


class SparkTuning(Section):
    """Sizes that results do not depend on."""

    join_salts: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="Tasks that share the plays of a hot song or artist when aggregates are joined to plays",
    )


class Sections(Section):
    """All sections together, without the features."""

    paths: Paths = Paths()
    identity: Identity = Identity()
    feed: FeedSettings = FeedSettings()
    labels: LabelRules = LabelRules()
    sessions: SessionRules = SessionRules()
    aggregation: AggregationSettings = AggregationSettings()
    snapshot: SnapshotSettings = SnapshotSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    registry: RegistrySettings = RegistrySettings()
    promotion: PromotionGates = PromotionGates()
    scoring: ScoringSettings = ScoringSettings()
    weights: WeightSettings = WeightSettings()
    weight_choice: WeightChoiceSettings = WeightChoiceSettings()
    publication: PublicationChecks = PublicationChecks()
    retention: RetentionSettings = RetentionSettings()
    nightly: NightlySettings = NightlySettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    tuning: SparkTuning = SparkTuning()

    @model_validator(mode="after")
    def _weight_bounds(self) -> Sections:
        if self.publication.min_passive_weight_mean > self.publication.max_passive_weight_mean:
            raise ValueError(
                "publication.min_passive_weight_mean must not exceed publication.max_passive_weight_mean"
            )
        if self.publication.max_psi is not None and not self.publication.feature_health:
            raise ValueError("publication.max_psi is checked only where publication.feature_health = true")
        return self
