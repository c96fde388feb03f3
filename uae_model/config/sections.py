"""The sections of the configuration: one class each, every setting with its meaning and range."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from uae_model.config.base import Section

Feedback = Literal["like", "share", "download", "skip", "dislike", "auto_play"]
FEEDBACK_TYPES: tuple[Feedback, ...] = (
    "like",
    "share",
    "download",
    "skip",
    "dislike",
    "auto_play",
)

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(ge=1)]


class Paths(Section):
    """Where things lie. Relative paths count from the configuration file's folder."""

    tables: str = Field(default="tables", description="folder or URI that holds the Delta tables")
    feed: str = Field(
        default="feed/dt={date}",
        description="a delivered slot of the feed: {date}, and {hour} for hourly delivery; "
        "with neither it is one complete file or folder",
    )
    snapshots: str = Field(default="snapshots", description="training snapshots (Parquet)")
    checkpoints: str = Field(
        default="checkpoints", description="training checkpoints; shared storage on a cluster"
    )
    reports: str = Field(default="reports", description="HTML reports")
    mlflow: str = Field(default="sqlite:///mlflow.db", description="MLflow tracking and registry URI")
    mlflow_artifacts: str = Field(
        default="mlflow-artifacts",
        description="artifact folder of a new experiment; a tracking server has its own",
    )
    hmac_key_file: str = Field(
        default="",
        description="file with the key that pseudonymises user ids (or use identity.hmac_key_env)",
    )


class Identity(Section):
    """How user ids are pseudonymised."""

    hmac_key_env: str = Field(
        default="UAE_HMAC_KEY",
        description="environment variable with the HMAC-SHA256 key; used where paths.hmac_key_file is empty",
    )


class FeedSettings(Section):
    """How the raw feed is read."""

    format: Literal["parquet", "jsonl", "csv", "mssd"] = Field(
        default="parquet", description="file format, or a dataset with rules of its own"
    )
    complete_marker: str = Field(
        default="_SUCCESS",
        description="file that says a slot is complete; empty: a slot that exists is complete",
    )
    columns: dict[str, str] = Field(
        default={},
        description="target column = source column, for event_id, user_id, song_id, played_at, "
        "played_ms, feedback and feed features whose names differ",
    )
    time_format: Literal["iso", "epoch_seconds", "epoch_millis"] = Field(
        default="iso", description="how played_at is written"
    )
    time_of: Literal["start", "end"] = Field(
        default="start", description="whether the feed's time is the start or the end of the play"
    )
    feedback_map: dict[str, Feedback] = Field(
        default={name: name for name in FEEDBACK_TYPES},
        description="source value = feedback type; a value that is not listed is quarantined",
    )
    late_days: int = Field(
        default=3,
        ge=0,
        le=30,
        description="days a night reopens for late events; older rows are quarantined",
    )
    future_hours: Annotated[float, Field(ge=0)] = Field(
        default=1.0,
        description="how far past its slot's day a play may start before it is quarantined",
    )


class LabelRules(Section):
    """From feedback to e (is_active) and y (label): the paper's Table I unless changed."""

    active: tuple[Feedback, ...] = Field(
        default=("like", "share", "download", "skip", "dislike"),
        description="feedback that proves attention: e = 1",
    )
    positive: tuple[Feedback, ...] = Field(
        default=("like", "share", "download", "auto_play"), description="feedback with label y = 1"
    )
    priority: tuple[Feedback, ...] = Field(
        default=("dislike", "download", "share", "like", "skip", "auto_play"),
        description="which of several actions on one play counts, highest first: a stated opinion "
        "beats navigation",
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
        description="a longer pause from the end of the previous play starts a session",
    )
    max_hours: Positive = Field(
        default=6.0,
        le=24,
        description="an unbroken run of listening is cut after this long, which bounds the lookback",
    )
    max_play_hours: Positive = Field(
        default=6.0, le=24, description="a play that claims to be longer is quarantined"
    )
    max_plays_per_user_day: PositiveInt = Field(
        default=2000,
        description="a user with more plays on a UTC day is a bot: that day's plays are excluded",
    )


class SnapshotSettings(Section):
    """How training data are laid out for Petastorm."""

    min_fill: Annotated[float, Field(ge=0.5, le=1)] = Field(
        default=0.8, description="share of padded steps that must be real plays"
    )
    row_group_sessions: PositiveInt = Field(
        default=512, description="sessions in a Parquet row group, at most"
    )


class NetworkSettings(Section):
    """Sizes of the two networks (Sec. VI-A of the paper)."""

    embedding: PositiveInt = Field(default=8, description="width of each categorical embedding")
    hidden: PositiveInt = Field(default=64, description="GRU state; the paper tunes it in 64, 128, 256")
    mlp: tuple[PositiveInt, ...] = Field(default=(256, 128, 64), description="hidden layers of each MLP")


class TrainingSettings(Section):
    """How the attention and propensity models are trained (Algorithm 1)."""

    estimator: Literal["uae"] = Field(default="uae", description="the attention estimator")
    window_days: PositiveInt = Field(default=7, description="days of training plays")
    validation_days: PositiveInt = Field(default=1, description="held-out days after the window")
    epochs: PositiveInt = Field(default=10, description="passes over the window (N_e), at most")
    patience: PositiveInt = Field(
        default=3, description="epochs without a better validation likelihood before training stops"
    )
    batch_plays: PositiveInt = Field(
        default=4096,
        description="padded steps in a batch of one process; sessions = batch_plays / padded length",
    )
    learning_rate_attention: Positive = Field(default=1e-3, description="Adam, for Theta_g")
    learning_rate_propensity: Positive = Field(default=1e-3, description="Adam, for Theta_h")
    attention_steps: PositiveInt = Field(default=1, description="N_a of Algorithm 1")
    propensity_steps: PositiveInt = Field(default=2, description="N_p of Algorithm 1")
    clip_risk: bool = Field(default=True, description="clip the negative part of each risk at zero")
    probability_floor: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        default=1e-3, description="smallest p^ and alpha^ that a risk divides by"
    )
    seed: int = Field(default=7, ge=0, description="of the weights and of the order of the data")
    processes: PositiveInt = Field(default=2, description="training processes (ranks)")
    distributed: Literal["driver", "cluster"] = Field(
        default="driver", description="run the ranks on the driver's machine or as Spark tasks"
    )
    checkpoint_steps: int = Field(
        default=0,
        ge=0,
        description="also checkpoint every so many steps; 0: at the end of each epoch",
    )


class RegistrySettings(Section):
    """Names in MLflow."""

    experiment: str = Field(default="uae", min_length=1, description="experiment of the training runs")
    attention_model: str = Field(default="uae-attention", min_length=1, description="registered name")
    propensity_model: str = Field(default="uae-propensity", min_length=1, description="registered name")


class PromotionGates(Section):
    """What a candidate must show before it becomes champion."""

    max_nll_increase: Annotated[float, Field(ge=0)] = Field(
        default=0.02,
        description="share by which the validation loss per play may exceed the champion's on the same days",
    )
    beat_base_rate: bool = Field(
        default=True, description="validation loss must be below that of the constant base rate"
    )
    min_training_plays: int = Field(default=1000, ge=0, description="plays in the training window")


class ScoringSettings(Section):
    """How a day is scored."""

    rows_per_task: PositiveInt = Field(
        default=50_000,
        description="plays a Spark task scores; the number of tasks follows from the day's plays",
    )
    batch_plays: PositiveInt = Field(default=16_384, description="padded steps in one forward pass")


class WeightSettings(Section):
    """From attention to the weight of a passive play."""

    function: Literal["power"] = Field(
        default="power", description="power: w = 1 - (attention + 1)^-gamma (Eq. 19)"
    )
    gamma: Positive = Field(default=15.0, description="the paper tunes it in 5, 10, 15, 20, 25")


class PublicationChecks(Section):
    """What a day must satisfy before readers see it."""

    max_quarantined_share: Share = Field(
        default=0.05, description="rows of the day's feed that may be in quarantine"
    )
    min_passive_weight_mean: Share = Field(default=0.0, description="lowest mean weight of passive plays")
    max_passive_weight_mean: Share = Field(default=1.0, description="highest mean weight of passive plays")
    max_mean_shift: Share = Field(
        default=0.3,
        description="largest change of the mean passive weight since the last day of the same model",
    )


class RetentionSettings(Section):
    """How long old versions and rows are kept."""

    published_days: PositiveInt = Field(
        default=400,
        description="time travel of weights and publications; readers pin versions this long",
    )
    working_days: PositiveInt = Field(default=30, description="time travel of the other tables")


class NightlySettings(Section):
    """What a night does beside ingest, sessions, score and publish."""

    train: Literal["never", "when_missing", "weekly", "always"] = Field(
        default="when_missing",
        description="when a night also trains and promotes; weekly: on Mondays",
    )


class SparkTuning(Section):
    """Sizes that results do not depend on."""

    history_commits: int = Field(
        default=200, ge=10, description="Delta commits searched for what a day was built from"
    )


class Sections(Section):
    """All sections together, without the features."""

    paths: Paths = Paths()
    identity: Identity = Identity()
    feed: FeedSettings = FeedSettings()
    labels: LabelRules = LabelRules()
    sessions: SessionRules = SessionRules()
    snapshot: SnapshotSettings = SnapshotSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    registry: RegistrySettings = RegistrySettings()
    promotion: PromotionGates = PromotionGates()
    scoring: ScoringSettings = ScoringSettings()
    weights: WeightSettings = WeightSettings()
    publication: PublicationChecks = PublicationChecks()
    retention: RetentionSettings = RetentionSettings()
    nightly: NightlySettings = NightlySettings()
    tuning: SparkTuning = SparkTuning()

    @model_validator(mode="after")
    def _weight_bounds(self) -> Sections:
        if self.publication.min_passive_weight_mean > self.publication.max_passive_weight_mean:
            raise ValueError(
                "publication.min_passive_weight_mean must not exceed publication.max_passive_weight_mean"
            )
        return self
