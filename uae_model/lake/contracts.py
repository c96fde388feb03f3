"""What each table promises: columns, key, constraints and how long old versions stay readable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pyspark.sql import types as T  # noqa: N812 - the usual name of pyspark's types

from uae_model.config import Config
from uae_model.config.dimensions import RESTATED_AT, VALID_FROM, VALID_TO, DimensionEntity
from uae_model.config.measures import Measure, partial_measures
from uae_model.core.errors import ContractError
from uae_model.lake.columns import column, day_column, feature_type, required
from uae_model.lake.contract import TableContract

TABLES = (
    "events",
    "quarantine",
    "users",
    "songs",
    "plays",
    "feature_partials",
    "features",
    "scores",
    "scores_side",
    "weights",
    "feature_health",
    "publications",
    "refusals",
    "day_states",
    "truth",
    "forgotten",
)

FEED_SLOT = "feed_slot"
"""Column of ``events``: the slot that brought the row; NULL in rows from before there was this column."""

UNKNOWN_COLUMN_REMEDY = (
    "leave it, it does no harm; or declare it as a feature; or write the table anew without it"
)


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
        "scores": _scores,
        "scores_side": _scores_side,
        "weights": _weights,
        "feature_health": _feature_health,
        "publications": _publications,
        "refusals": _refusals,
        "day_states": _day_states,
        "truth": _truth,
        "forgotten": _forgotten,
    }
    if name not in builders:
        raise ContractError(f"no table is called {name!r}; the tables are {', '.join(TABLES)}")
    return builders[name](config)


def _measure_type(measure: Measure) -> T.DataType:
    return T.BinaryType() if measure.kind == "sketch" else T.LongType()


def _event_columns(config: Config) -> list[T.StructField]:
    return [
        *required(T.StringType(), "event_id", "user_id", "song_id"),
        column("played_at", T.TimestampType(), required=True),
        column("played_ms", T.LongType()),
        column("feedback", T.StringType(), required=True),
        *(column(feature.name, feature_type(feature)) for feature in config.features.of_origin("feed")),
    ]


def _play_columns(config: Config) -> list[T.StructField]:
    return [
        *_event_columns(config),
        *(column(feature.name, feature_type(feature)) for feature in config.features.of_origin("session")),
        column("session_id", T.StringType(), required=True),
        column("session_started_at", T.TimestampType(), required=True),
        column("position", T.IntegerType(), required=True),
        column("is_active", T.BooleanType(), required=True),
        column("label", T.IntegerType(), required=True),
    ]


def _joined_columns(config: Config) -> list[T.StructField]:
    return [column(feature.name, feature_type(feature)) for feature in config.features.joined]


def _events(config: Config) -> TableContract:
    return TableContract(
        name="events",
        purpose="one row per play event, deduplicated; dt = UTC date of played_at",
        schema=T.StructType([*_event_columns(config), column(FEED_SLOT, T.StringType()), day_column()]),
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
                *required(T.StringType(), "slot", "source", "row"),
                column("raw", T.StringType()),
                column("reason", T.StringType(), required=True),
                column("value", T.StringType()),
                column("occurrences", T.LongType(), required=True),
                column("run_id", T.StringType(), required=True),
                day_column(),
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
                column(key, T.StringType(), required=True),
                *(column(name, kinds[kind]) for name, kind in declared.items()),
                column(VALID_FROM, T.TimestampType(), required=True),
                column(VALID_TO, T.TimestampType()),
                column(RESTATED_AT, T.ArrayType(T.TimestampType()), required=True),
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
        schema=T.StructType([*_play_columns(config), day_column()]),
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
                column("entity", T.StringType(), required=True),
                column("key", T.LongType(), required=True),
                *(column(measure.name, _measure_type(measure)) for measure in partial_measures(config)),
                day_column(),
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
            [column("event_id", T.StringType(), required=True), *_joined_columns(config), day_column()]
        ),
        key=("event_id",),
        retention_days=config.retention.working_days,
    )


def _scored(
    name: str, purpose: str, retention_days: int, config: Config, *, version: tuple[str, ...] = ()
) -> TableContract:
    """Return a table of scored plays; ``version`` is the key's column where it holds one several times."""
    return TableContract(
        name=name,
        purpose=purpose,
        schema=T.StructType(
            [
                *_play_columns(config),
                *_joined_columns(config),
                *required(T.DoubleType(), "attention", "propensity", "sample_weight"),
                column("weighting", T.StringType(), required=True),
                *required(T.IntegerType(), "attention_model_version", "propensity_model_version"),
                column("run_id", T.StringType(), required=True),
                day_column(),
            ]
        ),
        key=(*version, "session_id", "position"),
        retention_days=retention_days,
        # NaN sorts above every number in SQL, so BETWEEN refuses it; NOT NULL is part of the schema.
        constraints={
            "attention_is_share": "attention BETWEEN 0 AND 1",
            "propensity_is_share": "propensity BETWEEN 0 AND 1",
            "weight_is_share": "sample_weight BETWEEN 0 AND 1",
            "active_weighs_one": "NOT is_active OR sample_weight = 1",
        },
    )


def _scores(config: Config) -> TableContract:
    purpose = "plays with attention, propensity and weight, as they were scored last; readers take weights"
    return _scored("scores", purpose, config.retention.working_days, config)


def _scores_side(config: Config) -> TableContract:
    purpose = "plays scored with other models than the champion, to compare them with; never published"
    version = ("attention_model_version",)
    return _scored("scores_side", purpose, config.retention.working_days, config, version=version)


def _weights(config: Config) -> TableContract:
    purpose = "the published plays with attention, propensity and the weight of each training sample"
    return replace(_scored("weights", purpose, config.retention.published_days, config), is_pinned=True)


def _feature_health(config: Config) -> TableContract:
    return TableContract(
        name="feature_health",
        purpose="each feature on a scored day, against the training window of the model that scored it",
        schema=T.StructType(
            [
                column("feature", T.StringType(), required=True),
                column("plays", T.LongType(), required=True),
                column("missing_share", T.DoubleType(), required=True),
                column("unseen_share", T.DoubleType()),
                column("mean", T.DoubleType()),
                column("quantiles", T.ArrayType(T.DoubleType())),
                column("stability_index", T.DoubleType()),
                column("attention_model_version", T.IntegerType(), required=True),
                column("run_id", T.StringType(), required=True),
                day_column(),
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
                column("table_name", T.StringType(), required=True),
                column("delta_version", T.LongType(), required=True),
                column("status", T.StringType(), required=True),
                *required(T.LongType(), "row_count", "session_count", "active_count"),
                *required(T.LongType(), "excluded_count", "quarantined_count"),
                column("mean_passive_attention", T.DoubleType()),
                column("mean_passive_weight", T.DoubleType()),
                column("passive_weight_quantiles", T.ArrayType(T.DoubleType())),
                column("checks", T.ArrayType(T.StringType()), required=True),
                *required(T.IntegerType(), "attention_model_version", "propensity_model_version"),
                *required(T.StringType(), "run_id", "config"),
                column("lineage", T.StringType()),
                *(column(name, T.DoubleType()) for name in ("attention_mean_low", "attention_mean_high")),
                column("model_digest", T.StringType()),
                column("accepted_checks", T.ArrayType(T.StringType())),
                column("accepted_reason", T.StringType()),
                column("late_events_waiting", T.LongType()),
                day_column(),
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
                *required(T.StringType(), "table_name", "code", "check_name", "detail", "run_id"),
                column("delta_version", T.LongType(), required=True),
                column("value", T.DoubleType()),
                column("threshold", T.DoubleType()),
                *required(T.IntegerType(), "attention_model_version", "propensity_model_version"),
                column("refused_at", T.TimestampType(), required=True),
                day_column(),
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
                column("table_name", T.StringType(), required=True),
                column("day", T.DateType(), required=True),
                column("part", T.StringType(), required=True),
                column("delta_version", T.LongType(), required=True),
                column("status", T.StringType(), required=True),
                column("inputs", T.StringType()),
                *required(T.StringType(), "settings", "counts"),
                column("checks", T.ArrayType(T.StringType()), required=True),
                column("run_id", T.StringType(), required=True),
                column("committed_ms", T.LongType(), required=True),
                column("written_to", T.StringType(), required=True),
                column("schema_version", T.IntegerType(), required=True),
                column("recorded_at", T.TimestampType(), required=True),
            ]
        ),
        key=("table_name", "day", "part", "recorded_at"),
        retention_days=config.retention.working_days,
        partition=None,
    )


def _truth(config: Config) -> TableContract:
    return TableContract(
        name="truth",
        purpose="what the simulator knows of each event; no job of the pipeline reads it",
        schema=T.StructType(
            [
                column("event_id", T.StringType(), required=True),
                column("attended", T.BooleanType(), required=True),
                *required(T.DoubleType(), "attention", "propensity"),
                column("relevance", T.IntegerType(), required=True),
                column("liking", T.DoubleType(), required=True),
                column("simulated_session", T.LongType(), required=True),
                day_column(),
            ]
        ),
        key=("event_id",),
        retention_days=config.retention.working_days,
    )


def _forgotten(config: Config) -> TableContract:
    return TableContract(
        name="forgotten",
        purpose="keyed digests of users who asked to be forgotten: what the feed brings of them is left out",
        schema=T.StructType(
            [
                column("digest", T.StringType(), required=True),
                column("forgotten_at", T.TimestampType(), required=True),
                column("reference", T.StringType()),
            ]
        ),
        key=("digest",),
        retention_days=config.retention.working_days,
        partition=None,
    )
