"""30-Music (idomaar): sessions of plays, loves without a time, tracks.

Source: R. Turrin et al., "30Music Listening and Playlists Dataset" (RecSys posters 2015). ``files.idomaar``
reads the lines. A love names a user and a track and no time, so it says of each play of the pair that the
listener liked the song, unless that play was skipped: a skip is the play's own.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.ingest.files import Layout
from uae_model.ingest.files.idomaar import LOVED
from uae_model.ingest.values import number_of

SESSIONS = "relations/sessions.idomaar"
LOVES = "relations/love.idomaar"
TRACKS = "entities/tracks.idomaar"

PLAY = ("user_id", "track_id", "started", "playstart", "playtime", "playratio", "action")
SONG = ("track_id", "duration", "artist", "album", "tag")
IDS = frozenset({"user_id", "track_id", "artist", "album", "tag"})

DESCRIBING = (LOVES, TRACKS)
"""Files whose rows say something of plays and are none."""

SKIPPED, PLAYED = "skip", "play"
UNKNOWN = -1
"""A length that the dataset does not know."""


def thirty_music_layouts(encoding: str) -> dict[str, Layout]:
    """Return what is read of the three files, by their names."""
    return {
        SESSIONS: Layout("30music_sessions", PLAY, ids=IDS, encoding=encoding),
        LOVES: Layout("30music_loves", ("user_id", "track_id"), ids=IDS, encoding=encoding),
        TRACKS: Layout("30music_tracks", SONG, ids=IDS, encoding=encoding),
    }


def thirty_music_fields(
    sessions: DataFrame, loves: DataFrame, tracks: DataFrame, config: Config
) -> DataFrame:
    """Turn the rows of three files into one row a play, and one for each line that gives none.

    Args:
        sessions: the rows of ``SESSIONS``, as ``raw`` explains, with the fields ``PLAY``.
        loves: those of ``LOVES``.
        tracks: those of ``TRACKS``, with the fields ``SONG``.
        config: ``feed.listened_share``, below which a play was skipped.

    Returns:
        The rows' other columns, ``raw`` (of a play: the head of its session's line and its own object),
        ``problem`` and the ``fields`` that ingest expects.
    """
    plays, no_plays = _split(sessions)
    pairs, no_pairs = _split(loves)
    songs, no_songs = _split(tracks)
    duration = number_of(F.col("duration"))
    described = F.struct(F.when(duration > 0, duration).alias("duration"), "artist", "album", "tag")
    known = songs.groupBy("track_id").agg(F.max(described).alias("song"))
    # One love of a pair says as much as two.
    loved = pairs.groupBy("user_id", "track_id").agg(
        F.min("source").alias("love_source"), F.min("raw").alias("love")
    )
    play = plays.withColumn("is_play", F.lit(True))
    rows = play.join(loved, ["user_id", "track_id"], "full_outer").join(known, "track_id", "left")
    is_play = F.col("is_play").isNotNull()
    of_plays = rows.select(
        F.coalesce("source", "love_source").alias("source"),
        F.coalesce("raw", "love").alias("raw"),
        F.when(~is_play, F.lit("the user never played the loved track")).alias("problem"),
        F.when(is_play, _fields(config)).alias("fields"),
    )
    for rest in (no_plays, no_pairs, no_songs):
        of_plays = of_plays.unionByName(rest, allowMissingColumns=True)
    return of_plays.withColumn("instant", F.lit(None).cast("timestamp"))


def _split(rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Return the rows that have fields, and the others with what is wrong with them."""
    is_read = F.col("fields").isNotNull()
    unread = rows.where(~is_read).select("source", "raw", "problem", "value", "report")
    return rows.where(is_read).select("source", "raw", "fields.*"), unread


def _fields(config: Config) -> Column:
    seconds = number_of(F.col("playtime"))
    share = number_of(F.col("playratio"))
    was_skipped = (F.col("action") == SKIPPED) | (share < config.feed.listened_share)
    feedback = (
        F.when(F.coalesce(was_skipped, F.lit(False)), F.lit(SKIPPED))
        .when(F.col("love").isNotNull(), F.lit(LOVED))
        .otherwise(F.coalesce("action", F.lit(PLAYED)))
    )
    return F.struct(
        F.col("user_id").alias("user_id"),
        F.col("track_id").alias("song_id"),
        (number_of(F.col("started")) + number_of(F.col("playstart"))).alias("played_at"),
        F.when(seconds != UNKNOWN, seconds * 1000).alias("played_ms"),
        feedback.alias("feedback"),
        F.col("song.duration").alias("duration"),
        F.col("song.artist").alias("artist"),
        F.col("song.album").alias("album"),
        F.col("song.tag").alias("tag"),
    )
