"""The sections of the configuration: one class each, every setting with its meaning and range."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from uae_model.config.base import Positive, PositiveInt, Section, Share
from uae_model.config.evaluation import EvaluationSettings

Feedback = Literal["like", "share", "download", "skip", "dislike", "auto_play"]
FEEDBACK_TYPES: tuple[Feedback, ...] = (
    "like",
    "share",
    "download",
    "skip",
    "dislike",
    "auto_play",
)

FeedFormat = Literal["parquet", "jsonl", "csv", "mssd", "30music", "spotify", "yambda", "deezer", "lastfm1k"]
FEED_FORMATS: tuple[FeedFormat, ...] = get_args(FeedFormat)


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

    format: FeedFormat = Field(
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
    listened_share: Share = Field(
        default=0.5,
        description="share of a song below which a play counts as skipped (datasets that tell the share)",
    )
    action_minutes: Annotated[float, Field(ge=0)] = Field(
        default=10.0,
        description="how long after the end of a play an action on its song still belongs to it "
        "(datasets with actions as rows of their own)",
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


class AggregationSettings(Section):
    """What aggregate features count (the features themselves are declared under ``features``)."""

    completed_seconds: Positive = Field(
        default=30.0, description="a play of at least this long counts as completed"
    )


class SnapshotSettings(Section):
    """How training data are laid out for Petastorm."""

    min_fill: Annotated[float, Field(ge=0.5, le=1)] = Field(
        default=0.8, description="share of padded steps that must be real plays"
    )
    row_group_sessions: PositiveInt = Field(
        default=4096, description="sessions in a Parquet row group, at most; small ones cost the reader time"
    )
    min_session_plays: PositiveInt = Field(
        default=1, description="sessions of fewer plays are not trained on; the paper wants 10 of 30-Music"
    )
    split: Literal["days", "sessions"] = Field(
        default="days",
        description="days: the last training.validation_days validate; sessions: of all those days, "
        "sessions are drawn in the ratio of snapshot.shares",
    )
    shares: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        default=(8, 1, 1), description="training, validation and test sessions where split is sessions"
    )
    split_seed: int = Field(default=7, ge=0, description="of the draw; another one gives another split")


class NetworkSettings(Section):
    """Sizes of the two networks (Sec. VI-A of the paper; the profile ``paper`` has its sizes)."""

    embedding: PositiveInt = Field(default=8, description="width of each categorical embedding")
    hidden: PositiveInt = Field(
        default=64, description="state of GRU1 over the features; the paper tunes it in 64, 128, 256"
    )
    feedback_hidden: PositiveInt = Field(default=16, description="state of GRU2 over the feedback")
    mlp: tuple[PositiveInt, ...] = Field(default=(64, 32), description="hidden layers of each MLP")
    chain_context: Literal["step", "gru"] = Field(
        default="step",
        description="whether the attention of chain and joint reads the play's features alone or, through "
        "GRU1, those before it too",
    )


EstimatorName = Literal["auto", "chain", "unrestricted_chain", "joint", "uae", "sar", "pn", "ndb", "edm"]
CandidateName = Literal["chain", "unrestricted_chain", "joint", "uae", "sar", "pn", "ndb", "edm"]
Stickiness = Annotated[float, Field(ge=0, le=0.95)]


class TrainingSettings(Section):
    """How the attention and propensity models are trained."""

    estimator: EstimatorName = Field(
        default="auto",
        description="the attention estimator; auto trains training.candidates and keeps the one with the "
        "best held-out likelihood",
    )
    candidates: tuple[CandidateName, ...] = Field(
        default=("joint", "chain", "unrestricted_chain"), min_length=1, description="what auto compares"
    )
    stickiness: tuple[Stickiness, ...] = Field(
        default=(0.2, 0.4, 0.7, 0.9),
        min_length=1,
        description="of the attention chain; several values are compared by held-out likelihood "
        "(joint is the chain with 0)",
    )
    unrestricted_stickiness: Stickiness = Field(
        default=0.7,
        description="auto tries unrestricted_chain with the values of stickiness from here on: below, "
        "nothing tells attention from propensity where both networks see all features",
    )
    first_round_epochs: PositiveInt = Field(
        default=1, description="epochs that every candidate is trained before the best go on"
    )
    finalists: PositiveInt = Field(default=2, description="candidates that are trained to the end")
    feature_roles: bool = Field(
        default=True,
        description="attention sees features of role context or both, the propensity those of role "
        "preference or both (chain, joint, uae)",
    )
    window_days: PositiveInt = Field(default=7, description="days of training plays")
    validation_days: PositiveInt = Field(default=1, description="held-out days after the window")
    epochs: PositiveInt = Field(default=6, description="passes over the window (N_e), at most")
    patience: PositiveInt = Field(
        default=2, description="epochs without a better validation likelihood before training stops"
    )
    batch_plays: PositiveInt = Field(
        default=1024,
        description="padded steps in a batch of one process; sessions = batch_plays / padded length",
    )
    learning_rate_attention: Positive = Field(default=3e-3, description="Adam, for Theta_g")
    learning_rate_propensity: Positive = Field(default=3e-3, description="Adam, for Theta_h")
    learning_rate_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.6, description="factor on both learning rates after each epoch"
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(default=2e-4, description="Adam, for both")
    attention_steps: PositiveInt = Field(default=1, description="N_a of Algorithm 1 (uae)")
    propensity_steps: PositiveInt = Field(default=2, description="N_p of Algorithm 1 (uae)")
    clip_risk: bool = Field(default=True, description="clip the negative part of each risk at zero (uae)")
    attention_floor: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        default=1e-3, description="smallest alpha^ that the propensity risk divides by (uae)"
    )
    propensity_floor: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        default=1e-3, description="smallest p^ that the attention risk divides by (uae)"
    )
    attention_anchor: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="known share of attended plays that training is pulled to (uae); "
        "weights.attention_mean applies one afterwards instead, which measured better",
    )
    anchor_strength: Positive = Field(default=1.0, description="factor of the squared distance to the anchor")
    decay_half_life: Positive = Field(default=5.0, description="plays after which attention has halved (edm)")
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
    """From attention to the weight of a passive play; an active one weighs 1."""

    attention: Literal["own", "prediction", "filtered", "smoothed"] = Field(
        default="own",
        description="what attention may rest on: prediction (earlier plays), filtered (the play's feedback "
        "too), smoothed (the whole session's feedback); own: what the estimator is meant for "
        "(smoothed for chain and joint, prediction for the others)",
    )
    attention_mean: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="known share of attended plays: attention is shifted, in logits, until the validation "
        "days have this mean",
    )
    function: Literal["linear", "power", "scaled", "constant"] = Field(
        default="linear",
        description="linear: w = attention; power: w = 1 - (attention + 1)^-gamma (Eq. 19); scaled: "
        "attention times a factor, so that passive plays of the validation days have mean weights.mean; "
        "constant: weights.mean",
    )
    gamma: Positive = Field(default=15.0, description="of power; the paper tunes it in 5, 10, 15, 20, 25")
    mean: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.1, description="mean weight of passive plays, of scaled and constant"
    )


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
    feature_health: bool = Field(
        default=False,
        description="whether each scored day is compared, feature by feature, with the training window",
    )
    max_psi: Positive | None = Field(
        default=None,
        description="largest population stability index of a feature (0.25 is a common limit); null: any",
    )
    psi_ignored: tuple[str, ...] = Field(
        default=("day_of_week",),
        description="features that max_psi leaves out: one day never looks like a week of them",
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
    join_salts: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="tasks that share the plays of a hot song or artist when aggregates are joined to plays",
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
