"""Deezer's DSG17 (csv, 15 columns): plays of its Flow and others, and whether each passed 30 seconds.

Source: Data Science Game 2017, online selection. A play's length is not told: ``is_listened`` says only
that it passed 30 seconds, so a play counts as a moment. One left before was skipped by hand.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

CORE = {
    "user_id": "user_id",
    "song_id": "media_id",
    "played_at": "ts_listen",
    "feedback": "is_listened",
}
PASSED_THROUGH = {
    "artist": "artist_id",
    "album": "album_id",
    "genre": "genre_id",
    "context_type": "context_type",
    "platform_name": "platform_name",
    "platform_family": "platform_family",
    "listen_type": "listen_type",
    "user_gender": "user_gender",
    "user_age": "user_age",
    "duration_seconds": "media_duration",
}
"""Feature columns, all known when the play starts."""

DEEZER_COLUMNS = (*CORE.values(), *PASSED_THROUGH.values(), "release_date")
"""The columns that are read: all 15."""

DEEZER_IDS = tuple(name for name in DEEZER_COLUMNS if name not in ("ts_listen", "media_duration", "user_age"))
"""Numbers that name something; a program that holds them as floating-point numbers writes 7 as 7.0."""


def deezer_fields(rows: DataFrame) -> DataFrame:
    """Turn rows of DSG17 into the columns that ingest expects, keeping the others.

    Of the release date (20140331) only the year is kept.
    """
    fields = F.struct(
        *[F.col(f"fields.{source}").alias(name) for name, source in (CORE | PASSED_THROUGH).items()],
        F.substring("fields.release_date", 1, 4).alias("release_year"),
    )
    return rows.withColumn("fields", F.when(F.col("fields").isNotNull(), fields))
