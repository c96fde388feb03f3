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


def mssd_fields(rows: DataFrame) -> DataFrame:
    """Turn MSSD rows into the columns that ingest expects, row by row, keeping ``source`` and ``raw``.

    A row whose position, date or hour cannot be read keeps a NULL ``played_at`` and is quarantined for it.
    """
    session = Window.partitionBy(F.col("fields.session_id"))
    number = F.col("fields.session_position").try_cast("int")
    position = F.when(number.between(1, LONGEST_SESSION), number)
    date_and_hour = F.try_to_timestamp(
        F.concat_ws(" ", "fields.date", F.lpad("fields.hour_of_day", 2, "0")),
        F.lit("yyyy-MM-dd HH"),
    )
    started = F.min(date_and_hour).over(session)
    played_at = F.timestamp_seconds(F.unix_timestamp(started) + (position - 1) * SECONDS_BETWEEN_PLAYS)
    fields = F.struct(
        F.concat_ws(":", "fields.session_id", "fields.session_position").alias("event_id"),
        F.col("fields.session_id").alias("user_id"),
        F.col("fields.track_id_clean").alias("song_id"),
        F.when(date_and_hour.isNotNull(), played_at).alias("played_at"),
        F.lit(None).cast("long").alias("played_ms"),
        F.col("fields.hist_user_behavior_reason_end").alias("feedback"),
        *[F.col(f"fields.{source}").alias(name) for name, source in PASSED_THROUGH.items()],
    )
    return rows.withColumn("split", F.when(F.col("fields").isNotNull(), fields)).select(
        "source", "raw", F.col("split").alias("fields")
    )
