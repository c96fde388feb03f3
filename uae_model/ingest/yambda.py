"""Yambda (flat Parquet): listens, and likes and dislikes that are rows of their own.

Source: A. Ploshkin et al., "Yambda-5B: A Large-Scale Multi-modal Dataset for Ranking and Retrieval"
(2025). Times are seconds from an origin that was not published, in steps of five; here they count from
``ORIGIN``. ``played_ratio_pct`` passes 100 where a listener went back in the song.

An action belongs to the user's last listen of the same song that had begun by then, if the listen was
in progress or had ended at most ``feed.action_minutes`` before. Such a row says the listen once more, with
the action as its feedback: the event is the same one, and the action outranks what the listen alone
says. Of several actions on one listen the last counts.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config

ORIGIN = datetime(2020, 1, 1, tzinfo=UTC)
"""What stands for the dataset's first second: a Wednesday at midnight, which it need not have been."""

ALL_EVENTS = "multi_event"
EVENT_OF_FILE = {
    "listens": "listen",
    "likes": "like",
    "dislikes": "dislike",
    "unlikes": "unlike",
    "undislikes": "undislike",
}
"""The files that together hold what ``ALL_EVENTS`` holds."""

EVENTS = tuple(EVENT_OF_FILE.values())
COLUMNS = {
    "uid": "long",
    "timestamp": "long",
    "item_id": "long",
    "is_organic": "int",
    "played_ratio_pct": "double",
    "track_length_seconds": "double",
    "event_type": "string",
}
"""The columns that are read, of any file; those of listens alone are NULL elsewhere."""

LISTENED, SKIPPED = "listened", "skipped"


def yambda_rows(file: DataFrame, source: Column, event: str | None) -> DataFrame:
    """Return ``source``, ``raw`` and the ``COLUMNS`` of a file; without ``event`` its rows say theirs."""
    missing = {"event_type": F.lit(event)} if event else {}
    columns = [
        (F.col(name) if name in file.columns else missing.get(name, F.lit(None))).cast(kind).alias(name)
        for name, kind in COLUMNS.items()
    ]
    everything = F.struct(*[F.col(f"`{name}`") for name in file.columns])
    return file.select(source.alias("source"), F.to_json(everything).alias("raw"), *columns)


def yambda_fields(events: DataFrame, config: Config) -> DataFrame:
    """Turn events into plays, and actions into plays with an action.

    Args:
        events: ``source``, ``raw`` and the ``COLUMNS``.
        config: ``feed.listened_share`` (a listen that is shorter was skipped), ``feed.action_minutes`` and
            ``feed.time_of``.

    Returns:
        ``source``, ``raw``, ``problem`` (an action without a listen) and the ``fields`` that ingest
        expects.
    """
    is_listen = F.col("event_type") == EVENTS[0]
    is_action = F.coalesce(F.col("event_type").isin(list(EVENTS[1:])), F.lit(False))
    timeline = events.withColumn("listen", F.when(is_listen, _listen(config)))
    by_time = Window.partitionBy("uid", "item_id").orderBy(
        F.coalesce("listen.started", "timestamp"),
        F.array_position(F.lit(list(EVENTS)), F.col("event_type")),
        *("played_ratio_pct", "is_organic"),
    )
    so_far = by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    timeline = timeline.withColumn("listen", F.last("listen", ignorenulls=True).over(so_far))
    reach = F.col("listen.ended") + config.feed.action_minutes * 60
    timeline = timeline.withColumn("acts", is_action & F.coalesce(F.col("timestamp") <= reach, F.lit(False)))
    # An action that follows on this row acts on the same listen.
    timeline = timeline.withColumn("revised", F.coalesce(F.lead("acts").over(by_time), F.lit(False)))
    problem = F.when(
        is_action & ~F.col("acts"),
        F.concat(F.lit("no listen of the song is near enough before the "), "event_type"),
    ).when(
        ~is_action & ~F.coalesce(is_listen, F.lit(False)),
        F.concat_ws(" ", F.lit("unknown event"), "event_type"),
    )
    feedback = F.when(F.col("acts") & ~F.col("revised"), F.col("event_type"))
    return timeline.select(
        "source",
        "raw",
        problem.alias("problem"),
        F.when(problem.isNull(), _fields(F.coalesce(feedback, "listen.feedback"))).alias("fields"),
    )


def _listen(config: Config) -> Column:
    """Return a listen: when it started and ended, in seconds, and what it says by itself."""
    share = F.col("played_ratio_pct") / 100
    played = F.col("track_length_seconds") * share
    length, moment = F.coalesce(played, F.lit(0.0)), F.col("timestamp").cast("double")
    at_end = config.feed.time_of == "end"
    return F.struct(
        (moment - length if at_end else moment).alias("started"),
        (moment if at_end else moment + length).alias("ended"),
        F.col("timestamp").alias("timestamp"),
        F.round(played * 1000).cast("long").alias("played_ms"),
        F.when(share < config.feed.listened_share, F.lit(SKIPPED))
        .otherwise(F.lit(LISTENED))
        .alias("feedback"),
        F.col("is_organic").alias("is_organic"),
        F.col("track_length_seconds").alias("track_length_seconds"),
    )


def _fields(feedback: Column) -> Column:
    return F.struct(
        F.col("uid").cast("string").alias("user_id"),
        F.col("item_id").cast("string").alias("song_id"),
        (F.col("listen.timestamp") + int(ORIGIN.timestamp())).alias("played_at"),
        F.col("listen.played_ms").alias("played_ms"),
        feedback.alias("feedback"),
        F.col("listen.is_organic").alias("is_organic"),
        F.col("listen.track_length_seconds").alias("duration_seconds"),
    )
