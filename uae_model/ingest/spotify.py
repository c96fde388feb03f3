"""Spotify's extended streaming history: one JSON array a file, one folder a listener.

Source: what Spotify sends a listener who asks for "Extended streaming history". The archive always unpacks
into a
folder of the same name, and only older entries name a user, so the listener is the folder below the slot that
``feed.listener_level`` says. ``ts`` is the END of the
play. The address of the device is dropped before anything else sees the text, quarantine included.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.ingest.files.json_arrays import LISTENER
from uae_model.ingest.values import text_or_missing

NO_SONG = "the entry is no song"

CORE = {
    "played_at": "ts",
    "played_ms": "ms_played",
    "song_id": "spotify_track_uri",
}
PASSED_THROUGH = {
    "reason_start": "reason_start",
    "shuffle": "shuffle",
    "platform": "platform",
    "country": "conn_country",
    "artist": "master_metadata_album_artist_name",
    "album": "master_metadata_album_album_name",
}
"""Feature columns known when the play starts; ``skipped`` and ``reason_end`` come later."""

SPOTIFY_COLUMNS = (
    *CORE.values(),
    *PASSED_THROUGH.values(),
    *("reason_end", "spotify_episode_uri", "audiobook_uri", LISTENER),
)
"""The columns that are read of an entry, and the listener."""


def spotify_fields(rows: DataFrame) -> DataFrame:
    """Turn entries into the columns that ingest expects; a podcast's episode has a problem."""
    other = F.coalesce(_part("spotify_episode_uri"), _part("audiobook_uri"))
    is_other = F.col("fields").isNotNull() & _part("spotify_track_uri").isNull() & other.isNotNull()
    fields = F.struct(
        F.col(f"fields.{LISTENER}").alias("user_id"),
        # Exports of some months have no reason.
        F.coalesce(_part("reason_end"), F.lit("unknown")).alias("feedback"),
        *[_part(source).alias(name) for name, source in (CORE | PASSED_THROUGH).items()],
    )
    return rows.select(
        *("source", "raw", "report", "instant"),
        F.when(is_other, F.lit(NO_SONG)).otherwise(F.col("problem")).alias("problem"),
        F.when(is_other, other).otherwise(F.col("value")).alias("value"),
        F.when(F.col("fields").isNotNull() & ~is_other, fields).alias("fields"),
    )


def _part(name: str) -> Column:
    return text_or_missing(F.col(f"fields.{name}"))
