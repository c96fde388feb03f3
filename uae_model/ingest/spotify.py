"""Spotify's extended streaming history: one JSON array a file, one folder a listener.

Source: what Spotify sends a listener who asks for "Extended streaming history". The user is the row's
``username`` or, where exports leave it out, the folder that the file lies in. ``ts`` is the END of the
play. The address of the device is dropped before anything else sees the text, quarantine included.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.ingest.lines import CORRUPT, json_fields

ADDRESS = r'("ip_addr[a-z_]*"\s*:\s*)"[^"]*"'
"""The network address, under its present and its former name."""

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

OTHERS = ("username", "reason_end", "spotify_episode_uri", "audiobook_uri")


def spotify_fields(files: DataFrame) -> DataFrame:
    """Turn whole files into one row a play.

    Args:
        files: ``source``, ``folder`` (the listener's) and ``text`` (the whole file).

    Returns:
        ``source``, ``raw`` (the play's JSON without the address), ``problem`` and the ``fields`` that
        ingest expects. A file that is no JSON array is one row; a podcast's episode has a problem.
    """
    clean = F.regexp_replace("text", ADDRESS, "$1null")
    plays = files.select("source", "folder", clean.alias("text")).withColumn(
        "plays", F.from_json("text", "array<string>")
    )
    rows = plays.select("source", "folder", "text", F.explode_outer("plays").alias("play"))
    # An empty array holds no play and is no error.
    rows = rows.where(F.col("play").isNotNull() | ~F.col("text").rlike(r"^\s*\[\s*\]\s*$"))
    columns = [*CORE.values(), *PASSED_THROUGH.values(), *OTHERS]
    parsed = rows.withColumn("parsed", json_fields(F.col("play"), columns))
    problem = _problem()
    return parsed.select(
        "source",
        F.coalesce("play", "text").alias("raw"),
        problem.alias("problem"),
        F.when(problem.isNull(), _fields()).alias("fields"),
    )


def _problem() -> Column:
    other = F.coalesce(_part("spotify_episode_uri"), _part("audiobook_uri"))
    return (
        F.when(F.col("play").isNull(), F.lit("the file is no JSON array"))
        .when(
            F.col("parsed").isNull() | F.col(f"parsed.{CORRUPT}").isNotNull(),
            F.lit("the entry is no JSON object"),
        )
        .when(
            _part("spotify_track_uri").isNull() & other.isNotNull(),
            F.concat(F.lit("is no song: "), other),
        )
    )


def _fields() -> Column:
    return F.struct(
        F.coalesce(_part("username"), F.col("folder")).alias("user_id"),
        # Exports of some months have no reason.
        F.coalesce(_part("reason_end"), F.lit("unknown")).alias("feedback"),
        *[_part(source).alias(name) for name, source in (CORE | PASSED_THROUGH).items()],
    )


def _part(name: str) -> Column:
    return F.nullif(F.trim(F.col(f"parsed.{name}")), F.lit(""))
