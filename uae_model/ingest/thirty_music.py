"""30-Music (idomaar): sessions of plays, loves without a time, tracks.

Source: R. Turrin et al., "30Music Listening and Playlists Dataset" (RecSys posters 2015). A line is
``type<TAB>id<TAB>time<TAB>{properties}<TAB>{relations}``; in some files a SPACE stands before one of the
objects, or both. A session's line holds all its plays; each becomes a row. A love names a user and a track
and no time, so it says of each play of the pair that the listener liked the song, unless that play was
skipped: a skip is the play's own.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config

SESSIONS = "relations/sessions.idomaar"
LOVES = "relations/love.idomaar"
TRACKS = "entities/tracks.idomaar"

LINE = r"^([^\t]+)\t([^\t]+)\t(-?\d+)[\t ](\{.*\})[\t ](\{.*\})\s*$"
"""Type, id, time, properties, relations. Relations hold ids and numbers, so no object after a blank."""

PLAY = "id STRING, playstart STRING, playtime STRING, playratio STRING, action STRING"

LOVED, SKIPPED, PLAYED = "love", "skip", "play"
UNKNOWN = -1
"""A length that the dataset does not know."""


def thirty_music_fields(
    sessions: DataFrame, loves: DataFrame, tracks: DataFrame, config: Config
) -> DataFrame:
    """Turn the lines of three files into one row a play, and one for each line that gives none.

    Args:
        sessions: ``source`` and ``raw`` of each line of ``SESSIONS``.
        loves: the same of ``LOVES``.
        tracks: the same of ``TRACKS``.
        config: ``feed.listened_share``, below which a play was skipped.

    Returns:
        The lines' other columns, ``raw`` (of a play: the head of its session's line and its own object),
        ``problem`` and the ``fields`` that ingest expects.
    """
    plays, no_plays = _split(_plays(sessions), "play")
    pairs, no_pairs = _split(_loves(loves), "track_id")
    songs, no_songs = _split(_tracks(tracks), "track_id")
    known = songs.groupBy("track_id").agg(F.max(F.struct("duration", "artist", "album", "tag")).alias("song"))
    # One love of a pair says as much as two.
    loved = pairs.groupBy("user_id", "track_id").agg(
        F.min("source").alias("love_source"), F.min("raw").alias("love")
    )
    rows = plays.join(loved, ["user_id", "track_id"], "full_outer").join(known, "track_id", "left")
    is_play = F.col("play").isNotNull()
    of_plays = rows.select(
        F.coalesce("source", "love_source").alias("source"),
        F.coalesce("raw", "love").alias("raw"),
        F.when(~is_play, F.lit("the user never played the loved track")).alias("problem"),
        F.when(is_play, _fields(config)).alias("fields"),
    )
    for rest in (no_plays, no_pairs, no_songs):
        of_plays = of_plays.unionByName(rest, allowMissingColumns=True)
    nothing = F.lit(None)
    return of_plays.withColumns({"value": nothing.cast("string"), "instant": nothing.cast("timestamp")})


def _split(rows: DataFrame, needed: str) -> tuple[DataFrame, DataFrame]:
    """Return the rows that were read, and the others with what is wrong with them."""
    unread = rows.where(F.col(needed).isNull()).select("source", "raw", "problem", "report")
    return rows.where(F.col(needed).isNotNull()).drop("problem", "report"), unread


def _part(index: int) -> Column:
    line = F.when(F.col("problem").isNull(), F.col("raw"))
    return F.nullif(F.regexp_extract(line, LINE, index), F.lit(""))


def _told(problem: str) -> Column:
    """Return what is wrong with a line that gives no row: its own problem, or this one; a report has none."""
    return F.when(F.col("report").isNull(), F.coalesce("problem", F.lit(problem))).alias("problem")


def _plays(lines: DataFrame) -> DataFrame:
    """Return one row a play, and one a line without plays."""
    relations = F.from_json(_part(5), "subjects ARRAY<STRUCT<id: STRING>>, objects ARRAY<STRING>")
    split = lines.withColumn("relations", relations).withColumn("started", _part(3))
    exploded = split.select(
        *("source", "report", "problem"),
        F.col("raw").alias("line"),
        "started",
        F.get("relations.subjects", F.lit(0))["id"].alias("user_id"),
        F.explode_outer("relations.objects").alias("object"),
    )
    head = F.regexp_extract("line", r"^([^\t]+\t[^\t]+\t-?\d+)", 1)
    return exploded.select(
        *("source", "report"),
        F.when(F.col("object").isNull(), F.col("line"))
        .otherwise(F.concat_ws("\t", head, "object"))
        .alias("raw"),
        _told("the line is no session with plays"),
        "started",
        "user_id",
        F.from_json("object", PLAY).alias("play"),
    ).withColumn("track_id", F.col("play.id"))


def _loves(lines: DataFrame) -> DataFrame:
    value = F.get_json_object(_part(4), "$.value")
    return lines.select(
        *("source", "raw", "report"),
        _told("the line is no love of a user for a track"),
        F.get_json_object(_part(5), "$.subjects[0].id").alias("user_id"),
        F.when(value == LOVED, F.get_json_object(_part(5), "$.objects[0].id")).alias("track_id"),
    )


def _tracks(lines: DataFrame) -> DataFrame:
    duration = F.get_json_object(_part(4), "$.duration").try_cast("double")
    return lines.select(
        *("source", "raw", "report"),
        _told("the line is no track"),
        F.when(_part(1) == "track", _part(2)).alias("track_id"),
        F.when(duration > 0, duration).alias("duration"),
        *[F.get_json_object(_part(5), f"$.{name}s[0].id").alias(name) for name in ("artist", "album", "tag")],
    )


def _fields(config: Config) -> Column:
    seconds = F.col("play.playtime").try_cast("double")
    share = F.col("play.playratio").try_cast("double")
    was_skipped = (F.col("play.action") == SKIPPED) | (share < config.feed.listened_share)
    feedback = (
        F.when(F.coalesce(was_skipped, F.lit(False)), F.lit(SKIPPED))
        .when(F.col("love").isNotNull(), F.lit(LOVED))
        .otherwise(F.coalesce("play.action", F.lit(PLAYED)))
    )
    return F.struct(
        F.col("user_id").alias("user_id"),
        F.col("track_id").alias("song_id"),
        (F.col("started").try_cast("double") + F.col("play.playstart").try_cast("double")).alias("played_at"),
        F.when(seconds != UNKNOWN, seconds * 1000).alias("played_ms"),
        feedback.alias("feedback"),
        F.col("song.duration").alias("duration"),
        F.col("song.artist").alias("artist"),
        F.col("song.album").alias("album"),
        F.col("song.tag").alias("tag"),
    )
