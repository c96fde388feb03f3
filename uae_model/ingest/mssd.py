"""Spotify's Music Streaming Sessions Dataset: 21 columns, no user id, no time of day.

Source: B. Brost et al., "The Music Streaming Sessions Dataset" (WWW 2019). The published sessions are
anonymous and only the hour is known, so each session stands for one user and its plays are laid out
three minutes apart from the hour in which it began. Sessions keep their order, and a pause between
sessions never falls below the gap, because a session has at most 20 positions.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

SECONDS_BETWEEN_PLAYS = 180
LONGEST_SESSION = 20

PASSED_THROUGH = {
    "premium": "premium",
    "context_type": "context_type",
    "context_switch": "context_switch",
    "short_pause": "short_pause_before_play",
    "long_pause": "long_pause_before_play",
    "is_shuffle": "hist_user_behavior_is_shuffle",
    "reason_start": "hist_user_behavior_reason_start",
    "hour": "hour_of_day",
}
"""Feature columns known when the play starts; skips, seeks and the session's length come later."""

MSSD_COLUMNS = (
    *("session_id", "session_position", "track_id_clean", "date", "hist_user_behavior_reason_end"),
    *PASSED_THROUGH.values(),
)
"""The columns that are read, of the 21."""

MSSD_IDS = ("session_position", "hour_of_day")
"""Whole numbers, which a program may hold as floating-point numbers and write as 7.0."""


def mssd_fields(rows: DataFrame) -> DataFrame:
    """Turn MSSD rows into the columns that ingest expects, row by row, keeping the others.

    A row whose position, date or hour cannot be read says so in ``problem`` and ``value``.
    """
    session = Window.partitionBy(F.col("fields.session_id"))
    number = F.col("fields.session_position").try_cast("int")
    position = F.when(number.between(1, LONGEST_SESSION), number)
    hour = F.col("fields.hour_of_day").try_cast("int")
    day = F.when(F.col("fields.date").rlike(r"^\d{4}-\d{2}-\d{2}$"), F.col("fields.date").try_cast("date"))
    clock = F.unix_timestamp(day.cast("timestamp")) + F.when(hour.between(0, 23), hour) * 3600
    started = F.min(clock).over(session)
    played_at = F.timestamp_seconds(started + (position - 1) * SECONDS_BETWEEN_PLAYS)
    wrong = (
        (position.isNull(), f"session_position is not 1 to {LONGEST_SESSION}", "session_position"),
        (day.isNull(), "date is not YYYY-MM-DD", "date"),
        (clock.isNull(), "hour_of_day is not 0 to 23", "hour_of_day"),
    )
    is_split = F.col("fields").isNotNull()
    problem, value = F.col("problem"), F.col("value")
    for condition, kind, column in wrong:
        is_new = is_split & problem.isNull() & condition
        value = F.when(is_new, F.col(f"fields.{column}")).otherwise(value)
        problem = F.when(is_new, F.lit(kind)).otherwise(problem)
    fields = F.struct(
        F.concat_ws(":", "fields.session_id", "fields.session_position").alias("event_id"),
        F.col("fields.session_id").alias("user_id"),
        F.col("fields.track_id_clean").alias("song_id"),
        played_at.alias("played_at"),
        F.lit(None).cast("long").alias("played_ms"),
        F.col("fields.hist_user_behavior_reason_end").alias("feedback"),
        *[F.col(f"fields.{source}").alias(name) for name, source in PASSED_THROUGH.items()],
    )
    return rows.select(
        *("source", "raw", "report", "instant"),
        problem.alias("problem"),
        value.alias("value"),
        F.when(is_split, fields).alias("fields"),
    )
