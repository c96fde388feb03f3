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
from uae_model.ingest.values import number_of

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
    "uid": "string",
    "timestamp": "double",
    "item_id": "string",
    "is_organic": "string",
    "played_ratio_pct": "double",
    "track_length_seconds": "double",
    "event_type": "string",
}
"""The columns that are read, of any file; those of listens alone are NULL elsewhere."""

LISTENED, SKIPPED = "listened", "skipped"

NO_LISTEN, UNKNOWN_EVENT = "no listen of the song is near enough before the action", "unknown event"

KEPT = ("source", "raw", "report", "value", "problem")
"""Columns of raw rows that go through beside the fields."""


def yambda_rows(rows: DataFrame) -> DataFrame:
    """Return the ``COLUMNS`` of files, typed; a file of one kind of event says which by its name.

    A number that cannot be read, or is none (NaN), is a ``problem``.
    """
    numeric = [name for name, kind in COLUMNS.items() if kind == "double"]
    typed = {name: F.nanvl(number_of(F.col(f"fields.{name}")), F.lit(None)) for name in numeric}
    bad = {name: F.col(f"fields.{name}").isNotNull() & typed[name].isNull() for name in numeric}
    problem, value = F.col("problem"), F.col("value")
    for name in numeric:
        problem = F.coalesce(problem, F.when(bad[name], F.lit(f"{name} is no number")))
        value = F.coalesce(value, F.when(bad[name], F.col(f"fields.{name}")))
    kinds = F.create_map(*[F.lit(part) for pair in EVENT_OF_FILE.items() for part in pair])
    of_file = kinds[F.regexp_extract("source", r"([^/]+)\.parquet$", 1)]
    columns = [typed[name] if name in numeric else F.col(f"fields.{name}") for name in COLUMNS]
    columns[-1] = F.coalesce(of_file, columns[-1])
    return rows.select(
        *("source", "report"),
        F.coalesce("raw", F.to_json("fields")).alias("raw"),
        problem.alias("problem"),
        value.alias("value"),
        *[column.alias(name) for name, column in zip(COLUMNS, columns, strict=True)],
    )


def yambda_fields(events: DataFrame, config: Config) -> DataFrame:
    """Turn events into plays, and actions into plays with an action.

    Args:
        events: the ``KEPT`` columns and the ``COLUMNS``.
        config: ``feed.listened_share`` (a listen that is shorter was skipped), ``feed.action_minutes`` and
            ``feed.time_of``.

    Returns:
        The ``KEPT`` columns, ``problem`` telling of an action without a listen, and the ``fields`` that
        ingest expects.
    """
    is_good = F.col("problem").isNull()
    is_listen = is_good & (F.col("event_type") == EVENTS[0])
    is_action = is_good & F.coalesce(F.col("event_type").isin(list(EVENTS[1:])), F.lit(False))
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
    is_lonely = is_action & ~F.col("acts")
    is_unknown = is_good & ~is_action & ~F.coalesce(is_listen, F.lit(False))
    problem = (
        F.when(is_lonely, F.lit(NO_LISTEN)).when(is_unknown, F.lit(UNKNOWN_EVENT)).otherwise(F.col("problem"))
    )
    value = F.when(is_lonely | is_unknown, F.col("event_type")).otherwise(F.col("value"))
    feedback = F.when(F.col("acts") & ~F.col("revised"), F.col("event_type"))
    return timeline.select(
        *("source", "raw", "report"),
        F.when(F.col("report").isNull(), problem).alias("problem"),
        value.alias("value"),
        F.lit(None).cast("timestamp").alias("instant"),
        F.when(
            F.col("report").isNull() & problem.isNull(), _fields(F.coalesce(feedback, "listen.feedback"))
        ).alias("fields"),
    )


def _listen(config: Config) -> Column:
    """Return a listen: when it started and ended, in seconds, and what it says by itself."""
    share = F.col("played_ratio_pct") / 100
    played = F.col("track_length_seconds") * share
    length, moment = F.coalesce(played, F.lit(0.0)), F.col("timestamp")
    at_end = config.feed.time_of == "end"
    return F.struct(
        (moment - length if at_end else moment).alias("started"),
        (moment if at_end else moment + length).alias("ended"),
        F.col("timestamp").alias("timestamp"),
        F.round(played * 1000).try_cast("long").alias("played_ms"),
        F.when(share < config.feed.listened_share, F.lit(SKIPPED))
        .otherwise(F.lit(LISTENED))
        .alias("feedback"),
        F.col("is_organic").alias("is_organic"),
        F.col("track_length_seconds").alias("track_length_seconds"),
    )


def _fields(feedback: Column) -> Column:
    return F.struct(
        F.col("uid").alias("user_id"),
        F.col("item_id").alias("song_id"),
        (F.col("listen.timestamp") + int(ORIGIN.timestamp())).alias("played_at"),
        F.col("listen.played_ms").alias("played_ms"),
        feedback.alias("feedback"),
        F.col("listen.is_organic").alias("is_organic"),
        F.col("listen.track_length_seconds").alias("duration_seconds"),
    )
