"""From text to typed events, each row with the reasons why it cannot be one.

Every check is a pure Column -> Column function that gives NULL for a good value and a sentence for a
bad one; a row's reason joins all that apply, so a person mends the source once.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Feature
from uae_model.core.dates import midnight
from uae_model.core.errors import InputError
from uae_model.ingest.identity import pseudonymise
from uae_model.ingest.values import instant_of, missing, problem_of, unreadable, unreadable_number

REQUIRED = ("user_id", "song_id", "played_at", "feedback")
OPTIONAL = ("event_id", "played_ms")


def parse_rows(rows: DataFrame, config: Config, day: date | None, key: bytes) -> DataFrame:
    """Turn raw rows into typed events.

    Args:
        rows: ``source``, ``raw``, ``fields`` and perhaps ``problem``, as ``read_slot`` gives them.
        config: the column map, the feedback map, the features and the limits.
        day: the day of the feed slot, against which late and future rows are judged; None for a
            static dataset, where only times after the run itself are refused.
        key: the HMAC key.

    Returns:
        ``source``, ``raw``, ``reason`` (NULL for a good row) and the columns of ``events``.

    Raises:
        InputError: if the feed has no column for something that the configuration reads.
    """
    available = rows.select("fields.*").columns
    text = {target: _text(target, config, available) for target in (*REQUIRED, *OPTIONAL)}
    features = {f.name: _feature_text(f, config, available) for f in config.features.of_origin("feed")}

    played_ms = text["played_ms"].try_cast("double")
    played_at = _played_at(text["played_at"], played_ms, config)
    feedback = _map_feedback(text["feedback"], config)
    pseudonym = pseudonymise(text["user_id"], key)
    reason = F.concat_ws(
        "; ",
        F.when(F.col("fields").isNull(), problem_of(rows)),
        *[missing(text[name], name) for name in REQUIRED],
        unreadable(text["played_at"], played_at, "played_at"),
        _unknown_feedback(text["feedback"], feedback),
        _bad_duration(text["played_ms"], played_ms, config.sessions.max_play_hours),
        _outside_days(played_at, config, day),
        *[
            unreadable_number(features[f.name], f"feature {f.name}")
            for f in config.features.of_origin("feed")
            if f.kind == "numeric"
        ],
    )
    return rows.select(
        "source",
        "raw",
        F.nullif(reason, F.lit("")).alias("reason"),
        _event_id(text, pseudonym, played_at).alias("event_id"),
        pseudonym.alias("user_id"),
        text["song_id"].alias("song_id"),
        played_at.alias("played_at"),
        played_ms.try_cast("long").alias("played_ms"),
        feedback.alias("feedback"),
        *[_feature_value(features[f.name], f).alias(f.name) for f in config.features.of_origin("feed")],
        F.to_date(played_at).alias("dt"),
    )


def _field(source: str) -> Column:
    return F.col(f"fields.`{source}`")


def _text(target: str, config: Config, available: list[str]) -> Column:
    """Return a core column of the feed, blank as NULL; an optional one that is absent is NULL."""
    source = config.feed.columns.get(target, target)
    if source not in available:
        if target in REQUIRED or target in config.feed.columns:
            raise InputError(
                f"the feed has no column {source!r} for {target}; its columns are {', '.join(available)}; "
                f"set feed.columns.{target}"
            )
        return F.lit(None).cast("string")
    column = _field(source)
    if target == "played_at":
        return column
    return F.nullif(F.trim(column.cast("string")), F.lit(""))


def _feature_text(feature: Feature, config: Config, available: list[str]) -> Column:
    source = config.feed.columns.get(feature.source_column, feature.source_column)
    if source not in available:
        raise InputError(
            f"the feed has no column {source!r}, which feature {feature.name!r} reads; its columns are "
            f"{', '.join(available)}; set feed.columns.{feature.source_column} or drop the feature"
        )
    return F.nullif(F.trim(_field(source).cast("string")), F.lit(""))


def _feature_value(text: Column, feature: Feature) -> Column:
    return text if feature.kind == "categorical" else text.try_cast("double")


def _played_at(value: Column, played_ms: Column, config: Config) -> Column:
    """Return the start of the play as TIMESTAMP, NULL where it cannot be read."""
    instant = instant_of(value, config.feed.time_format)
    if config.feed.time_of == "start":
        return instant
    # A duration that will be quarantined must not overflow here and end the job.
    is_duration = played_ms.between(0, config.sessions.max_play_hours * 3_600_000)
    duration = F.when(is_duration, played_ms).otherwise(0.0).cast("long")
    return F.timestamp_micros(F.unix_micros(instant) - duration * 1000)


def _map_feedback(value: Column, config: Config) -> Column:
    """Return the feedback type, NULL for a value that the map does not list."""
    pairs = [F.lit(part) for pair in config.feed.feedback_map.items() for part in pair]
    return F.create_map(*pairs)[value] if pairs else F.lit(None).cast("string")


def _event_id(text: dict[str, Column], pseudonym: Column, played_at: Column) -> Column:
    """Return the feed's id, or one made of who played what when: exact duplicates share it.

    Made of the pseudonym: from the raw id, a guess at a user could be checked without the key.
    """
    natural = F.concat_ws("|", pseudonym, text["song_id"], F.unix_micros(played_at))
    return F.coalesce(text["event_id"], F.substring(F.sha2(natural, 256), 1, 32))


def _unknown_feedback(value: Column, mapped: Column) -> Column:
    return F.when(value.isNotNull() & mapped.isNull(), F.concat(F.lit("unknown feedback: "), value))


def _bad_duration(value: Column, played_ms: Column, max_hours: float) -> Column:
    shown = F.concat_ws(" ", F.lit("played_ms"), value)
    return (
        F.when(
            value.isNotNull() & (played_ms.isNull() | F.isnan(played_ms)),
            F.concat_ws(" ", shown, F.lit("is no number")),
        )
        .when(played_ms < 0, F.concat_ws(" ", shown, F.lit("is negative")))
        .when(
            played_ms > max_hours * 3_600_000,
            F.concat_ws(" ", shown, F.lit(f"is longer than sessions.max_play_hours = {max_hours:g}")),
        )
    )


def _outside_days(played_at: Column, config: Config, day: date | None) -> Column:
    if day is None:
        return F.when(played_at > F.current_timestamp(), F.concat(F.lit("starts in the future: "), played_at))
    latest = midnight(day) + timedelta(days=1, hours=config.feed.future_hours)
    earliest = midnight(day) - timedelta(days=config.feed.late_days)
    return F.when(
        played_at >= F.lit(latest),
        F.concat(F.lit(f"starts after the feed's day {day}: "), played_at),
    ).when(
        played_at < F.lit(earliest),
        F.concat(F.lit(f"is later than feed.late_days = {config.feed.late_days} allows: "), played_at),
    )
