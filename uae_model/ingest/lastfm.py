"""Last.fm-1K: plays of 992 users, newest first, without any sign of what a listener did.

Source: O. Celma, "Music Recommendation and Discovery in the Long Tail" (2010), dataset Last.fm-1K. Lines
of ``userid<TAB>timestamp<TAB>artist-id<TAB>artist<TAB>track-id<TAB>track``; names hold any quotes, so
this is no CSV. The data serve sessions only: without active feedback attention cannot be estimated.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.ingest.values import text_or_missing

COLUMN_COUNT = 6
DASH = " - "
DASH_INSIDE = r" - |(^|\t)- | -(\t|$)"
"""What in two names could be the dash between them."""

SCROBBLE = "scrobble"
"""What each play is: reported by the player, whoever listened."""


def lastfm_fields(lines: DataFrame) -> DataFrame:
    """Give lines the ``fields`` that ingest expects.

    Ids of MusicBrainz may be empty: then the names stand for them, the artist's before the track's. A dash
    joins them, or, where a name has one itself, a tab: the track "B - C" of A is not the track C of "A - B".
    """
    parts = F.split("raw", "\t")

    def part(index: int) -> Column:
        return text_or_missing(F.get(parts, F.lit(index)))

    artist, track = part(3), part(5)
    exact = F.concat(F.coalesce(artist, F.lit("")), F.lit("\t"), track)
    by_name = F.when(exact.rlike(DASH_INSIDE), exact).otherwise(F.concat_ws(DASH, artist, track))
    fields = F.struct(
        part(0).alias("user_id"),
        part(1).alias("played_at"),
        F.coalesce(part(4), F.when(track.isNotNull(), by_name)).alias("song_id"),
        F.coalesce(part(2), part(3)).alias("artist"),
        F.lit(SCROBBLE).alias("feedback"),
    )
    is_play = F.col("problem").isNull() & (F.size(parts) == COLUMN_COUNT)
    return lines.withColumn("fields", F.when(is_play, fields))
