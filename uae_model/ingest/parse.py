"""From text to typed events, each row with the reasons why it cannot be one.

A row's reason joins the kinds of all its faults, so that a person mends the source once; the values that
show them stand in a column of their own.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Feature
from uae_model.core.dates import midnight
from uae_model.core.errors import InputError
from uae_model.ingest.forgotten import FORGOTTEN, NOBODY, is_forgotten
from uae_model.ingest.identity import hash_event_ids, natural_event_id, pseudonymise
from uae_model.ingest.values import (
    RowFault,
    completed,
    field,
    instant_of,
    missing,
    never_set,
    number_of,
    reason_and_value,
    shown_row,
    text_or_missing,
    unreadable,
    unreadable_number,
)

REQUIRED = ("user_id", "song_id", "played_at", "feedback")
OPTIONAL = ("event_id", "played_ms")
MILLISECONDS = {"milliseconds": 1, "seconds": 1000}
"""Of one unit of ``feed.played_unit``."""


def parse_rows(
    rows: DataFrame, config: Config, day: date | None, key: bytes, forgotten: frozenset[str] = NOBODY
) -> DataFrame:
    """Turn raw rows into typed events.

    Args:
        rows: ``source``, ``fields`` and perhaps the others that ``read_slot`` gives.
        config: the column map, the feedback map, the features and the limits.
        day: the day of the feed slot, against which late and future rows are judged; None for a
            static dataset, where only times after the run itself are refused.
        key: the HMAC key.
        forgotten: digests of users whose rows are marked as ``forgotten``.

    Returns:
        ``source``, ``raw``, ``report``, ``reason`` and ``value`` (NULL for a good row), ``forgotten`` and the
        columns of ``events``.

    Raises:
        InputError: if the feed has no column for something that the configuration reads.
    """
    typed = _typed(_cast(completed(rows), config), config)
    reason, value = reason_and_value(_faults(config, day))
    event_id = F.col("_event_id")
    given = hash_event_ids(event_id, key) if config.identity.hash_event_ids else event_id
    judged = typed.select(
        "*",
        reason.alias("reason"),
        value.alias("_shown"),
        pseudonymise(F.col("_user_id"), key).alias("_pseudonym"),
        given.alias("_given_id"),
        is_forgotten(F.col("_user_id"), shown_row(reason), reason, forgotten, key).alias("_is_forgotten"),
    )
    return _events(judged, config)


def _cast(rows: DataFrame, config: Config) -> DataFrame:
    """Return rows with each value cast once, in a stage of its own; the checks only look at what came out."""
    available = rows.select("fields.*").columns
    text = {target: _text(target, config, available) for target in (*REQUIRED, *OPTIONAL)}
    return rows.select(
        *("source", "raw", "report", "problem", "value", "fields"),
        *[column.alias(f"_{target}") for target, column in text.items()],
        *[
            _feature_text(feature, config, available).alias(f"_of_{feature.name}")
            for feature in config.features.of_origin("feed")
        ],
        F.coalesce("instant", instant_of(text["played_at"], config.feed.time_format)).alias("_instant"),
        (number_of(text["played_ms"]) * MILLISECONDS[config.feed.played_unit]).alias("_milliseconds"),
    )


def _typed(cast: DataFrame, config: Config) -> DataFrame:
    """Add what is made of the cast values: the start, the feedback, numeric features."""
    return cast.select(
        "*",
        _start(F.col("_instant"), F.col("_milliseconds"), config).alias("_start"),
        _map_feedback(F.col("_feedback"), config).alias("_mapped"),
        *[
            number_of(F.col(f"_of_{feature.name}")).alias(f"_number_{feature.name}")
            for feature in _numeric(config)
        ],
    )


def _faults(config: Config, day: date | None) -> list[RowFault]:
    """Return what may be wrong with a typed row, in the order in which faults are told."""
    unknown = F.col("_feedback").isNotNull() & F.col("_mapped").isNull()
    return [
        *[missing(F.col(f"_{name}"), name) for name in REQUIRED],
        unreadable(F.col("_played_at"), F.col("_instant"), "played_at"),
        RowFault(unknown, "unknown feedback", F.col("_feedback")),
        *_bad_durations(F.col("_played_ms"), F.col("_milliseconds"), config.sessions.max_play_hours),
        *_outside_days(F.col("_start"), config, day),
        *[
            unreadable_number(
                F.col(f"_of_{feature.name}"), F.col(f"_number_{feature.name}"), f"feature {feature.name}"
            )
            for feature in _numeric(config)
        ],
    ]


def _events(judged: DataFrame, config: Config) -> DataFrame:
    """Return the columns of ``events``, and before them what is known of the row."""
    start = F.col("_start")
    natural = natural_event_id(F.col("_pseudonym"), F.col("_song_id"), start)
    prefix = {"categorical": "_of_", "numeric": "_number_"}
    return judged.select(
        "source",
        shown_row(F.col("reason")).alias("raw"),
        F.col("_is_forgotten").alias(FORGOTTEN),
        "report",
        "reason",
        F.col("_shown").alias("value"),
        F.coalesce("_given_id", natural).alias("event_id"),
        F.col("_pseudonym").alias("user_id"),
        F.col("_song_id").alias("song_id"),
        start.alias("played_at"),
        F.col("_milliseconds").try_cast("long").alias("played_ms"),
        F.col("_mapped").alias("feedback"),
        *[
            F.col(f"{prefix[feature.kind]}{feature.name}").alias(feature.name)
            for feature in config.features.of_origin("feed")
        ],
        F.to_date(start).alias("dt"),
    )


def needed_columns(config: Config) -> dict[str, str]:
    """Return what to say where no file of a slot has a column, by the column's name in the feed.

    The core columns are required of each file by its reader; these may be missing in some.
    """
    said = {}
    for target in OPTIONAL:
        if target in config.feed.columns:
            said[config.feed.columns[target]] = _no_column(config.feed.columns[target], target)
    for feature in config.features.of_origin("feed"):
        said[_source(feature, config)] = _no_feature(feature, config)
    return {name: message.format(columns="{columns}") for name, message in said.items()}


def _numeric(config: Config) -> list[Feature]:
    return [feature for feature in config.features.of_origin("feed") if feature.kind == "numeric"]


def _no_column(source: str, target: str) -> str:
    return (
        f"the feed has no column {source!r} for {target}; its columns are {{columns}}; "
        f"set feed.columns.{target}"
    )


def _no_feature(feature: Feature, config: Config) -> str:
    return (
        f"the feed has no column {_source(feature, config)!r}, which feature {feature.name!r} "
        f"reads; its columns are "
        f"{{columns}}; set feed.columns.{feature.source_column} or drop the feature"
    )


def _source(feature: Feature, config: Config) -> str:
    return config.feed.source_column(feature.source_column)


def _text(target: str, config: Config, available: list[str]) -> Column:
    """Return a core column of the feed, blank as NULL; an optional one that is absent is NULL."""
    source = config.feed.source_column(target)
    if source not in available:
        if target in REQUIRED or target in config.feed.columns:
            raise InputError(_no_column(source, target).format(columns=", ".join(available)))
        return F.lit(None).cast("string")
    column = field(source)
    if target == "played_at":
        return column
    if target == "feedback" and "" in config.feed.feedback_map:
        return F.coalesce(text_or_missing(column), F.lit(""))
    return text_or_missing(column)


def _feature_text(feature: Feature, config: Config, available: list[str]) -> Column:
    source = _source(feature, config)
    if source not in available:
        raise InputError(_no_feature(feature, config).format(columns=", ".join(available)))
    return text_or_missing(field(source))


def _start(instant: Column, milliseconds: Column, config: Config) -> Column:
    """Return the start of the play as TIMESTAMP, NULL where its time cannot be read."""
    if config.feed.time_of == "start":
        return instant
    # A duration that will be quarantined must not overflow here and end the job.
    is_duration = milliseconds.between(0, config.sessions.max_play_hours * 3_600_000)
    duration = F.when(is_duration, milliseconds).otherwise(0.0).cast("long")
    return F.timestamp_micros(F.unix_micros(instant) - duration * 1000)


def _map_feedback(value: Column, config: Config) -> Column:
    """Return the feedback type, NULL for a value that the map does not list."""
    pairs = [F.lit(part) for pair in config.feed.feedback_map.items() for part in pair]
    return F.create_map(*pairs)[value] if pairs else F.lit(None).cast("string")


def _bad_durations(text: Column, milliseconds: Column, max_hours: float) -> list[RowFault]:
    is_number = milliseconds.isNotNull() & ~F.isnan(milliseconds)
    longest = max_hours * 3_600_000
    return [
        RowFault(text.isNotNull() & ~is_number, "played_ms is no number", text),
        RowFault(is_number & (milliseconds < 0), "played_ms is negative", text),
        RowFault(
            is_number & (milliseconds > longest),
            f"played_ms is longer than sessions.max_play_hours = {max_hours:g}",
            text,
        ),
    ]


def _outside_days(start: Column, config: Config, day: date | None) -> list[RowFault]:
    feed = config.feed
    shown = start.cast("string")
    unset = never_set(start, feed.earliest_date, "feed.earliest_date", "starts")
    if day is None:
        return [unset, RowFault(start > F.current_timestamp(), "starts in the future", shown)]
    latest = midnight(day) + timedelta(days=1, hours=feed.future_hours)
    earliest = midnight(day) - timedelta(days=feed.late_days)
    return [
        unset,
        RowFault(start >= F.lit(latest), "starts after the feed's day", shown),
        RowFault(
            (start < F.lit(earliest)) & ~unset.condition,
            f"is later than feed.late_days = {feed.late_days} allows",
            shown,
        ),
    ]
