"""Sessions of one day of 10 million plays: the sessions step on Spark against the same rules in DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.events import DAY, write_events
from benchmarks.measure import Run, timed
from benchmarks.workspace import (
    benchmark_config,
    count_rows,
    emptied,
    made_once,
    sessions_of_day,
    spark_session,
)
from uae_model.config import Config
from uae_model.sessions.cut import closing_time

USERS = 250_000
DUCKDB_MEMORY = "8GB"


def prepare(folder: Path, scale: float) -> dict[str, Any]:
    """Write the events once."""
    users = max(100, int(USERS * scale))
    made_once(folder / "events", lambda events: _write(events, users))
    return {"events": _count(folder / "events")}


def run_spark(folder: Path) -> Run:
    """Read events, cut sessions, derive features, write plays; Spark's start is not timed."""
    config = benchmark_config(folder)
    output = emptied(folder / "spark")
    events = _count(folder / "events")
    with spark_session(folder, "local[1]") as spark, timed() as run:
        plays = sessions_of_day(spark, folder / "events", DAY, config, about_rows=events)
        plays.write.parquet(str(output))
        run.units = events
    return run


def run_duckdb(folder: Path) -> Run:
    """Do the same with one thread of DuckDB: same columns, same compression."""
    config = benchmark_config(folder)
    output = emptied(folder / "duckdb")
    output.mkdir()
    events = _count(folder / "events")
    with _connect(folder) as connection, timed() as run:
        statement = (
            f"COPY ({_sessions_sql(folder / 'events', config)}) "
            f"TO '{output / 'plays.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
        )
        connection.execute(statement)
        run.units = events
    return run


PEERS: dict[str, Callable[[Path], Run]] = {"spark": run_spark, "duckdb": run_duckdb}


def compare(folder: Path) -> dict[str, Any]:
    """Compare both outputs: rows, sessions, and an order-free checksum over every column."""
    with _connect(folder) as connection:
        digests = {peer: _digest(connection, f"{folder / peer}/*.parquet") for peer in PEERS}
    return {"agree": digests["spark"] == digests["duckdb"], **digests["spark"], "peer": digests["duckdb"]}


def _write(folder: Path, users: int) -> None:
    write_events(folder, users, DAY, seed=1)


def _connect(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"SET threads = 1; SET memory_limit = '{DUCKDB_MEMORY}'; SET TimeZone = 'UTC'")
    connection.execute(
        f"SET temp_directory = '{folder / 'duckdb-temp'}'; SET preserve_insertion_order = false"
    )
    return connection


def _count(events: Path) -> int:
    return count_rows(f"{events}/*/*.parquet")


def _sessions_sql(events: Path, config: Config) -> str:
    """Return the rules of ``uae_model.sessions.cut`` in DuckDB's words, for a day without open sessions."""
    rules = config.sessions
    gap = int(rules.gap_minutes * 60_000_000)
    longest = int(rules.max_hours * 3_600_000_000)
    active = ", ".join(f"'{name}'" for name in config.labels.active)
    positive = ", ".join(f"'{name}'" for name in config.labels.positive)
    feed = ", ".join(feature.name for feature in config.features.of_origin("feed"))
    closing = closing_time(DAY, config).isoformat()
    return f"""
WITH events AS (
    SELECT *, epoch_us(played_at) AS started, epoch_us(played_at) + coalesce(played_ms, 0) * 1000 AS ended
    FROM read_parquet('{events}/*/*.parquet', hive_partitioning = true)
    WHERE played_at < TIMESTAMPTZ '{closing}'
), bots AS (
    SELECT user_id FROM events WHERE dt = DATE '{DAY}'
    GROUP BY user_id HAVING count(*) > {rules.max_plays_per_user_day}
), ordered AS (
    SELECT *, max(ended) OVER before AS latest_end
    FROM events ANTI JOIN bots USING (user_id)
    WINDOW before AS (
        PARTITION BY user_id ORDER BY started, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
), runs AS (
    SELECT *, max(CASE WHEN latest_end IS NULL OR started - latest_end > {gap} THEN started END)
        OVER (PARTITION BY user_id ORDER BY started, event_id ROWS UNBOUNDED PRECEDING) AS run
    FROM ordered
), cut AS (
    SELECT *, run + (started - run) // {longest} * {longest} AS session FROM runs
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY user_id, session ORDER BY started, event_id) AS position
    FROM cut
)
SELECT event_id, user_id, song_id, played_at, played_ms, feedback, {feed},
    position::INT AS play_rank,
    CASE WHEN position = 1 THEN 0.0::DOUBLE
        ELSE greatest(0.0::DOUBLE, (started - latest_end) / 1e6::DOUBLE) END AS gap_seconds,
    hour(make_timestamp(started))::INT AS hour_of_day,
    isodow(make_timestamp(started))::INT AS day_of_week,
    substr(sha256(user_id || '|' || session), 1, 32) AS session_id,
    to_timestamp(session / 1e6::DOUBLE) AS session_started_at,
    position::INT AS position,
    feedback IN ({active}) AS is_active,
    (feedback IN ({positive}))::INT AS label,
    make_timestamp(session)::DATE AS dt
FROM numbered WHERE make_timestamp(session)::DATE = DATE '{DAY}'
"""


def _digest(connection: duckdb.DuckDBPyConnection, files: str) -> dict[str, Any]:
    """Return counts and sums that differ if any value of any column does."""
    rows = connection.sql(
        f"""SELECT count(*), count(*) FILTER (position = 1),
            sum(hash(event_id, session_id, position)::HUGEINT)::VARCHAR,
            sum(hash(event_id, user_id, song_id, epoch_us(played_at), played_ms, feedback)::HUGEINT)::VARCHAR,
            sum(hash(event_id, device, play_source, artist, genre, song_popularity,
                genre_affinity)::HUGEINT)::VARCHAR,
            sum(hash(event_id, play_rank, gap_seconds, hour_of_day, day_of_week)::HUGEINT)::VARCHAR,
            sum(hash(event_id, epoch_us(session_started_at), is_active, label, dt)::HUGEINT)::VARCHAR
        FROM '{files}'"""
    ).fetchall()
    plays, sessions, *checksums = rows[0]
    return {"plays": plays, "sessions": sessions, "checksums": checksums}
