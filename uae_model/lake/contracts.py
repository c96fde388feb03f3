"""What each table promises: columns, key, constraints and how long old versions stay readable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from pyspark.sql import types as T  # noqa: N812 - the usual name of pyspark's types

from uae_model.config import Config, Feature
from uae_model.config.dimensions import RESTATED_AT, VALID_FROM, VALID_TO, DimensionEntity
from uae_model.config.measures import Measure, partial_measures
from uae_model.core.errors import ContractError

TABLES = (
    "events",
    "quarantine",
    "users",
    "songs",
    "plays",
    "feature_partials",
    "features",
    "weights",
    "feature_health",
    "publications",
    "refusals",
    "day_states",
    "truth",
)

SESSION_FEATURE_TYPES: dict[str, T.DataType] = {
    "position": T.IntegerType(),
    "gap_seconds": T.DoubleType(),
    "session_minutes": T.DoubleType(),
    "hour_of_day": T.IntegerType(),
    "day_of_week": T.IntegerType(),
}


FEED_SLOT = "feed_slot"
"""Column of ``events``: the slot that brought the row; NULL in rows from before there was this column."""

UNKNOWN_COLUMN_REMEDY = (
    "leave it, it does no harm; or declare it as a feature; or write the table anew without it"
)


@dataclass(frozen=True, kw_only=True)
class TableContract:
    """A table's promise to its readers; ``partition`` is None where rows belong to no day.

    ``skip_by`` names the columns by which readers skip files within a day.
    """

    name: str
    purpose: str
    schema: T.StructType
    key: tuple[str, ...]
    retention_days: int
    constraints: dict[str, str] = field(default_factory=dict)
    partition: str | None = "dt"
    skip_by: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Column names in their order."""
        return self.schema.fieldNames()

    def unknown_columns(self, columns: Sequence[str]) -> list[str]:
        """Return those of a table's columns that the contract does not name."""
        return [name for name in columns if name not in self.columns]

    def properties(self) -> dict[str, str]:
        """Delta table properties; deletion vectors and column mapping stay off for delta-rs and petastorm.

        Least and greatest values are kept of the columns in ``skip_by`` alone: Delta's default, of every
        column, takes a quarter of the time of a write, and days are found by partition.
        """
        interval = f"interval {self.retention_days} days"
        statistics = (
            {"delta.dataSkippingStatsColumns": ",".join(self.skip_by)}
            if self.skip_by
            else {"delta.dataSkippingNumIndexedCols": "0"}
        )
        return {
            **statistics,
            "delta.deletedFileRetentionDuration": interval,
            "delta.logRetentionDuration": interval,
            "delta.enableDeletionVectors": "false",
            "delta.columnMapping.mode": "none",
        }


def contract_for(name: str, config: Config) -> TableContract:
    """Return the contract of one of ``TABLES`` under a configuration's features.

    Raises:
        ContractError: for an unknown table.
    """
    builders: dict[str, Callable[[Config], TableContract]] = {
        "events": _events,
        "quarantine": _quarantine,
        "users": partial(_dimension, "user"),
        "songs": partial(_dimension, "song"),
        "plays": _plays,
        "feature_partials": _feature_partials,
        "features": _features,
        "weights": _weights,
        "feature_health": _feature_health,
        "publications": _publications,
        "refusals": _refusals,
        "day_states": _day_states,
        "truth": _truth,
    }
    if name not in builders:
        raise ContractError(f"no table is called {name!r}; the tables are {', '.join(TABLES)}")
    return builders[name](config)


def feature_type(feature: Feature) -> T.DataType:
    """Return the column type of a feature: categorical text, numeric double, session features as derived."""
    if feature.origin == "session":
        return SESSION_FEATURE_TYPES.get(feature.source_column, T.IntegerType())
    return T.StringType() if feature.kind == "categorical" else T.DoubleType()


def _column(name: str, kind: T.DataType, *, required: bool = False) -> T.StructField:
    return T.StructField(name, kind, nullable=not required)


def _required(kind: T.DataType, *names: str) -> list[T.StructField]:
    return [_column(name, kind, required=True) for name in names]


def _measure_type(measure: Measure) -> T.DataType:
    return T.BinaryType() if measure.kind == "sketch" else T.LongType()


def _day() -> T.StructField:
    return _column("dt", T.DateType(), required=True)


def _event_columns(config: Config) -> list[T.StructField]:
    return [
        *_required(T.StringType(), "event_id", "user_id", "song_id"),
        _column("played_at", T.TimestampType(), required=True),
        _column("played_ms", T.LongType()),
        _column("feedback", T.StringType(), required=True),
        *(_column(feature.name, feature_type(feature)) for feature in config.features.of_origin("feed")),
    ]


def _play_columns(config: Config) -> list[T.StructField]:
    return [
        *_event_columns(config),
        *(_column(feature.name, feature_type(feature)) for feature in config.features.of_origin("session")),
        _column("session_id", T.StringType(), required=True),
        _column("session_started_at", T.TimestampType(), required=True),
        _column("position", T.IntegerType(), required=True),
        _column("is_active", T.BooleanType(), required=True),
        _column("label", T.IntegerType(), required=True),
    ]


def _joined_columns(config: Config) -> list[T.StructField]:
    return [_column(feature.name, feature_type(feature)) for feature in config.features.joined]


def _events(config: Config) -> TableContract:
    return TableContract(
        name="events",
        purpose="one row per play event, deduplicated; dt = UTC date of played_at",
        schema=T.StructType([*_event_columns(config), _column(FEED_SLOT, T.StringType()), _day()]),
        key=("event_id",),
        retention_days=config.retention.working_days,
        constraints={"played_ms_not_negative": "played_ms IS NULL OR played_ms >= 0"},
    )


def _quarantine(config: Config) -> TableContract:
    return TableContract(
        name="quarantine",
        purpose="feed rows that could not be read, with the reason; dt = the day of the feed slot",
        schema=T.StructType(
            [
                *_required(T.StringType(), "slot", "source", "row"),
                _column("raw", T.StringType()),
                _column("reason", T.StringType(), required=True),
                _column("value", T.StringType()),
                _column("occurrences", T.LongType(), required=True),
                _column("run_id", T.StringType(), required=True),
                _day(),
            ]
        ),
        key=("source", "row"),
        skip_by=("slot",),
        retention_days=config.retention.working_days,
    )


def _dimension(entity: DimensionEntity, config: Config) -> TableContract:
    key = f"{entity}_id"
    kinds = {"categorical": T.StringType(), "numeric": T.DoubleType()}
    declared = next(
        (dimension.attributes for dimension in config.dimensions if dimension.entity == entity), {}
    )
    return TableContract(
        name=f"{entity}s",
        purpose=f"attributes of each {entity}, true from valid_from up to valid_to (null: still)",
        schema=T.StructType(
            [
                _column(key, T.StringType(), required=True),
                *(_column(name, kinds[kind]) for name, kind in declared.items()),
                _column(VALID_FROM, T.TimestampType(), required=True),
                _column(VALID_TO, T.TimestampType()),
                _column(RESTATED_AT, T.ArrayType(T.TimestampType()), required=True),
            ]
        ),
        key=(key, VALID_FROM),
        retention_days=config.retention.working_days,
        constraints={"valid_for_a_time": f"{VALID_TO} IS NULL OR {VALID_TO} > {VALID_FROM}"},
        partition=None,
    )


def _plays(config: Config) -> TableContract:
    return TableContract(
        name="plays",
        purpose="events with session, features and labels; dt = UTC date of the session's start",
        schema=T.StructType([*_play_columns(config), _day()]),
        key=("session_id", "position"),
        retention_days=config.retention.working_days,
        constraints={"position_from_one": "position >= 1", "label_is_binary": "label IN (0, 1)"},
    )


def _feature_partials(config: Config) -> TableContract:
    return TableContract(
        name="feature_partials",
        purpose="mergeable aggregates of each entity's events of one UTC day, bots left out",
        schema=T.StructType(
            [
                _column("entity", T.StringType(), required=True),
                _column("key", T.LongType(), required=True),
                *(_column(measure.name, _measure_type(measure)) for measure in partial_measures(config)),
                _day(),
            ]
        ),
        key=("entity", "key"),
        skip_by=("entity",),
        retention_days=config.retention.working_days,
    )


def _features(config: Config) -> TableContract:
    return TableContract(
        name="features",
        purpose="aggregates and attributes of users and songs, for each play; dt as in plays",
        schema=T.StructType(
            [_column("event_id", T.StringType(), required=True), *_joined_columns(config), _day()]
        ),
        key=("event_id",),
        retention_days=config.retention.working_days,
    )


def _weights(config: Config) -> TableContract:
    return TableContract(
        name="weights",
        purpose="plays with attention, propensity and the weight of each training sample",
        schema=T.StructType(
            [
                *_play_columns(config),
                *_joined_columns(config),
                *_required(T.DoubleType(), "attention", "propensity", "sample_weight"),
                _column("weighting", T.StringType(), required=True),
                *_required(T.IntegerType(), "attention_model_version", "propensity_model_version"),
                _column("run_id", T.StringType(), required=True),
                _day(),
            ]
        ),
        key=("session_id", "position"),
        retention_days=config.retention.published_days,
        # NaN sorts above every number in SQL, so BETWEEN refuses it; NOT NULL is part of the schema.
        constraints={
            "attention_is_share": "attention BETWEEN 0 AND 1",
            "propensity_is_share": "propensity BETWEEN 0 AND 1",
            "weight_is_share": "sample_weight BETWEEN 0 AND 1",
            "active_weighs_one": "NOT is_active OR sample_weight = 1",
        },
    )


def _feature_health(config: Config) -> TableContract:
    return TableContract(
        name="feature_health",
        purpose="each feature on a scored day, against the training window of the model that scored it",
        schema=T.StructType(
            [
                _column("feature", T.StringType(), required=True),
                _column("plays", T.LongType(), required=True),
                _column("missing_share", T.DoubleType(), required=True),
                _column("unseen_share", T.DoubleType()),
                _column("mean", T.DoubleType()),
                _column("quantiles", T.ArrayType(T.DoubleType())),
                _column("stability_index", T.DoubleType()),
                _column("attention_model_version", T.IntegerType(), required=True),
                _column("run_id", T.StringType(), required=True),
                _day(),
            ]
        ),
        key=("dt", "feature"),
        retention_days=config.retention.published_days,
    )


def _publications(config: Config) -> TableContract:
    return TableContract(
        name="publications",
        purpose="one row per published day and table: the Delta version that readers pin",
        schema=T.StructType(
            [
                _column("table_name", T.StringType(), required=True),
                _column("delta_version", T.LongType(), required=True),
                _column("status", T.StringType(), required=True),
                *_required(T.LongType(), "row_count", "session_count", "active_count"),
                *_required(T.LongType(), "excluded_count", "quarantined_count"),
                _column("mean_passive_attention", T.DoubleType()),
                _column("mean_passive_weight", T.DoubleType()),
                _column("passive_weight_quantiles", T.ArrayType(T.DoubleType())),
                _column("checks", T.ArrayType(T.StringType()), required=True),
                *_required(T.IntegerType(), "attention_model_version", "propensity_model_version"),
                *_required(T.StringType(), "run_id", "config"),
                _column("lineage", T.StringType()),
                *(_column(name, T.DoubleType()) for name in ("attention_mean_low", "attention_mean_high")),
                _column("model_digest", T.StringType()),
                _column("accepted_checks", T.ArrayType(T.StringType())),
                _column("accepted_reason", T.StringType()),
                _day(),
            ]
        ),
        key=("dt", "table_name"),
        retention_days=config.retention.published_days,
    )


def _refusals(config: Config) -> TableContract:
    return TableContract(
        name="refusals",
        purpose="the checks that refused to publish a day when it was last refused, one row each",
        schema=T.StructType(
            [
                *_required(T.StringType(), "table_name", "code", "check_name", "detail", "run_id"),
                _column("delta_version", T.LongType(), required=True),
                _column("value", T.DoubleType()),
                _column("threshold", T.DoubleType()),
                *_required(T.IntegerType(), "attention_model_version", "propensity_model_version"),
                _column("refused_at", T.TimestampType(), required=True),
                _day(),
            ]
        ),
        key=("dt", "table_name", "check_name"),
        retention_days=config.retention.published_days,
    )


def _day_states(config: Config) -> TableContract:
    return TableContract(
        name="day_states",
        purpose="what each day of each table was built from; the row recorded last counts",
        schema=T.StructType(
            [
                _column("table_name", T.StringType(), required=True),
                _column("day", T.DateType(), required=True),
                _column("part", T.StringType(), required=True),
                _column("delta_version", T.LongType(), required=True),
                _column("status", T.StringType(), required=True),
                _column("inputs", T.StringType()),
                *_required(T.StringType(), "settings", "counts"),
                _column("checks", T.ArrayType(T.StringType()), required=True),
                _column("run_id", T.StringType(), required=True),
                _column("committed_ms", T.LongType(), required=True),
                _column("written_to", T.StringType(), required=True),
                _column("schema_version", T.IntegerType(), required=True),
                _column("recorded_at", T.TimestampType(), required=True),
            ]
        ),
        key=("table_name", "day", "part", "recorded_at"),
        retention_days=config.retention.published_days,
        partition=None,
    )


def _truth(config: Config) -> TableContract:
    return TableContract(
        name="truth",
        purpose="what the simulator knows of each event; no job of the pipeline reads it",
        schema=T.StructType(
            [
                _column("event_id", T.StringType(), required=True),
                _column("attended", T.BooleanType(), required=True),
                *_required(T.DoubleType(), "attention", "propensity"),
                _column("relevance", T.IntegerType(), required=True),
                _column("liking", T.DoubleType(), required=True),
                _column("simulated_session", T.LongType(), required=True),
                _day(),
            ]
        ),
        key=("event_id",),
        retention_days=config.retention.working_days,
    )
