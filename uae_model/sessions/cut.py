"""Sessions of plays, one UTC day at a time.

The rules:

* A play that starts more than ``gap_minutes`` after the latest END of all the user's plays so far begins a
  new run of listening; its first play starts a session. The previous play need not be the one that ended
  last: while an hour of music goes on, a short play may start and end.
* A run longer than ``max_hours`` is cut every ``max_hours`` from its first play: each cut moment is the
  start of the next session. So the later cuts follow from a session's start alone, and a day needs no
  history but the day before.
* A session belongs to the UTC day of its start, with all its plays, also those after midnight.
* A user with more than ``max_plays_per_user_day`` plays on a day is a bot there: sessions that would
  start on that day are left out.

A day therefore depends on the events of that day and the next ``max_hours``, and on how the sessions
before it ended: any split of days into runs gives the same plays.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Feature
from uae_model.config.aggregates import EVENT_ENTITIES
from uae_model.core.dates import midnight
from uae_model.core.feature_words import SAME_AS_BEFORE
from uae_model.lake.shuffles import in_more_tasks
from uae_model.sessions.labels import is_active, label

MICROSECONDS = 1_000_000

ROWS_OF_TASK = 1_000_000
"""Events that a task cuts, at most about, where Spark's setting would give it more. Its file of some 50 MB is
read as one piece: a larger one would be cut within sessions, and scoring would have to shuffle all plays."""

BOTS = "user_id STRING, play_count BIGINT"
"""Columns of a frame of bots: the users, and how many plays each of them has on the day."""


def closing_time(day: date, config: Config) -> datetime:
    """Return the instant from which on no event can join a session of ``day``."""
    return midnight(day) + timedelta(days=1, hours=config.sessions.max_hours)


def event_days(day: date, config: Config) -> list[date]:
    """Return the event partitions that hold the plays of the sessions of ``day``."""
    last = closing_time(day, config) - timedelta(microseconds=1)
    return [day] if last.date() == day else [day, day + timedelta(days=1)]


def lookback_days(day: date, config: Config) -> list[date]:
    """Return the play partitions that can hold a session still running at midnight of ``day``."""
    return [day - timedelta(days=back) for back in range(config.sessions.lookback_days, 0, -1)]


def events_of_day(events: DataFrame, day: date, config: Config) -> DataFrame:
    """Return the events that can belong to a session of ``day`` (a pruned read of ``events``)."""
    return events.where(F.col("dt").isin(event_days(day, config))).where(
        F.col("played_at") < F.lit(closing_time(day, config))
    )


def bots_of_day(events: DataFrame, day: date, config: Config) -> DataFrame:
    """Return ``user_id`` and ``play_count`` of the users above the limit on ``day``.

    The few rows are collected: they are counted once, however often the frame is used.
    """
    bots = (
        events.where(F.col("dt") == F.lit(day))
        .groupBy("user_id")
        .agg(F.count("*").alias("play_count"))
        .where(F.col("play_count") > config.sessions.max_plays_per_user_day)
    )
    return events.sparkSession.createDataFrame(bots.collect(), BOTS)


def open_sessions(plays: DataFrame, day: date, config: Config) -> DataFrame:
    """Return, per user still listening at midnight of ``day``, the latest end and the last session's start.

    Args:
        plays: the plays of ``lookback_days``.
        day: the day about to be cut into sessions.
        config: the gap.

    Returns:
        ``user_id``, ``last_started`` (microseconds), ``event_id`` and ``session_started_at`` of the
        last play, and ``last_ended`` (microseconds), the latest end of any.
    """
    start_of_day = midnight(day)
    # What started before has ended too early to be heard of again.
    earliest = start_of_day - timedelta(
        hours=config.sessions.max_play_hours, minutes=config.sessions.gap_minutes
    )
    ended = _ended_micros(F.col("played_at"), F.col("played_ms"))
    last = F.struct("played_at", "event_id", "session_started_at")
    return (
        plays.where((F.col("played_at") < F.lit(start_of_day)) & (F.col("played_at") >= F.lit(earliest)))
        .groupBy("user_id")
        .agg(F.max(last).alias("last"), F.max(ended).alias("ended"))
        .where(F.col("ended") + _gap_micros(config) >= F.unix_micros(F.lit(start_of_day)))
        .select(
            "user_id",
            F.unix_micros("last.played_at").alias("last_started"),
            F.col("ended").alias("last_ended"),
            F.col("last.event_id").alias("event_id"),
            F.col("last.session_started_at").alias("session_started_at"),
        )
    )


def plays_of_day(
    events: DataFrame,
    still_open: DataFrame,
    bots: DataFrame,
    day: date,
    config: Config,
    *,
    about_rows: int = 0,
) -> DataFrame:
    """Return the plays of all sessions that start on ``day``.

    Args:
        events: the result of ``events_of_day``.
        still_open: the result of ``open_sessions``.
        bots: the result of ``bots_of_day``; few rows, broadcast so that a bot's plays never reach the
            shuffle that would put them all on one task.
        day: the UTC day.
        config: session rules, labels and features.
        about_rows: how many events there are; of very many, a task cuts ``ROWS_OF_TASK``.

    Returns:
        The columns of the ``plays`` contract.
    """
    people = events.join(F.broadcast(bots.select("user_id")), "user_id", "left_anti")
    started = F.unix_micros("played_at")
    rows = people.drop("dt").select(
        "*",
        started.alias("_started"),
        _ended_micros(F.col("played_at"), F.col("played_ms")).alias("_ended"),
        F.lit(None).cast("timestamp").alias("_open_start"),
    )
    markers = still_open.select(
        "event_id",
        "user_id",
        F.col("last_started").alias("_started"),
        F.col("last_ended").alias("_ended"),
        F.col("session_started_at").alias("_open_start"),
    )
    timeline = rows.unionByName(markers, allowMissingColumns=True)
    timeline = in_more_tasks(timeline, "user_id", about_rows, ROWS_OF_TASK)
    in_sessions = _cut_into_sessions(timeline, config)
    on_day = in_sessions.where(F.col("_open_start").isNull() & (F.col("dt") == F.lit(day)))
    return _with_derived_columns(on_day, config)


def _cut_into_sessions(timeline: DataFrame, config: Config) -> DataFrame:
    """Add session start, day, position and the latest end. One shuffle and one sort serve all windows."""
    by_time = Window.partitionBy("user_id").orderBy("_started", "event_id")
    so_far = by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    before = by_time.rowsBetween(Window.unboundedPreceding, -1)
    longest = int(config.sessions.max_hours * 3600 * MICROSECONDS)

    rows = timeline.select(
        "*",
        F.max("_ended").over(before).alias("_latest_end"),
        F.lag("_started").over(by_time).alias("_previous_started"),
        F.row_number().over(by_time).alias("_row"),
    )
    for feature in _compared_with_previous(config):
        value = F.col(_compared_column(feature))
        rows = rows.withColumn(f"_same_{feature.name}", value == F.lag(value).over(by_time))
    starts_run = F.col("_latest_end").isNull() | (
        F.col("_started") - F.col("_latest_end") > _gap_micros(config)
    )
    # A marker of a session still open stands for that session's start, not for its own time.
    start_of_run = F.when(starts_run, F.coalesce(F.unix_micros("_open_start"), F.col("_started")))
    rows = rows.withColumn("_run", F.max(start_of_run).over(so_far))
    cuts, cuts_before = (
        F.floor((F.col(started) - F.col("_run")) / longest) for started in ("_started", "_previous_started")
    )
    rows = rows.withColumn("_session", F.col("_run") + cuts * longest)
    # The last row so far that starts a session is this session's first: positions without a second sort.
    first_row = F.max(F.when(starts_run | (cuts != cuts_before), F.col("_row"))).over(so_far)
    rows = rows.withColumn("position", (F.col("_row") - first_row + 1).cast("int"))
    session_started_at = F.timestamp_micros("_session")
    return rows.withColumn("session_started_at", session_started_at).withColumn(
        "dt", F.to_date(session_started_at)
    )


def _with_derived_columns(rows: DataFrame, config: Config) -> DataFrame:
    """Add ids, labels and session features; drop the helpers."""
    derived: dict[str, Column] = {
        "position": F.col("position"),
        "gap_seconds": F.when(F.col("position") == 1, 0.0).otherwise(
            F.greatest(F.lit(0.0), (F.col("_started") - F.col("_latest_end")) / MICROSECONDS)
        ),
        "session_minutes": (F.col("_started") - F.col("_session")) / (60 * MICROSECONDS),
        "hour_of_day": F.hour("played_at"),
        "day_of_week": F.weekday("played_at") + 1,
    }
    for feature in _compared_with_previous(config):
        same = F.col(f"_same_{feature.name}") & (F.col("position") > 1)
        derived[feature.source_column] = F.coalesce(same, F.lit(False)).cast("int")
    session_id = session_id_of(F.col("user_id"), F.col("_session"))
    return rows.select(
        *("event_id", "user_id", "song_id", "played_at", "played_ms", "feedback"),
        *[F.col(feature.name) for feature in config.features.of_origin("feed")],
        *[derived[f.source_column].alias(f.name) for f in config.features.of_origin("session")],
        session_id.alias("session_id"),
        "session_started_at",
        "position",
        is_active(F.col("feedback"), config).alias("is_active"),
        label(F.col("feedback"), config).alias("label"),
        "dt",
    )


def session_id_of(user_id: Column, started: Column) -> Column:
    """Return the id of the session that a user started at a time in microseconds."""
    return F.substring(F.sha2(F.concat_ws("|", user_id, started), 256), 1, 32)


def _compared_with_previous(config: Config) -> list[Feature]:
    return [f for f in config.features.of_origin("session") if f.source_column.startswith(SAME_AS_BEFORE)]


def _compared_column(feature: Feature) -> str:
    name = feature.source_column.removeprefix(SAME_AS_BEFORE)
    return EVENT_ENTITIES.get(name, name)


def _ended_micros(played_at: Column, played_ms: Column) -> Column:
    """Return the end of a play in microseconds; a play of unknown length counts as a moment."""
    return F.unix_micros(played_at) + F.coalesce(played_ms, F.lit(0)) * 1000


def _gap_micros(config: Config) -> int:
    return int(config.sessions.gap_minutes * 60 * MICROSECONDS)
