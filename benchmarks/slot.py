"""Ingest of one slot: the ingest step on Spark against the same checks in DuckDB.

Both read the slot's Parquet files, refuse rows whose ids, time, duration, feedback or numbers cannot be an
event's or that lie outside of the slot's days, with all reasons of each, make a pseudonym of each user (for
DuckDB, which has no HMAC, a plain SHA-256), keep one row of each event id, and write events by day and the
refused rows. The peer commits nothing, seals no refused row and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.events import DAY, write_events
from benchmarks.measure import Run, timed
from benchmarks.workspace import count_rows, emptied, made_once, spark_session
from uae_model.config import Config, load_config
from uae_model.ingest.feed import Feed
from uae_model.lake import TableStore
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps.feed import SLOTS

USERS = 250_000
BAD_SHARE = 0.01
"""Of the rows for each kind of fault, and of those that stand in the feed twice."""
KEY = "k" * 32
DUCKDB_MEMORY = "8GB"


def prepare(folder: Path, scale: float) -> dict[str, Any]:
    """Write the slot once, with faults."""
    users = max(100, int(USERS * scale))
    made_once(folder / "input", lambda place: _write(place, users))
    return {"rows": _count(folder)}


def run_spark(folder: Path) -> Run:
    """Ingest the slot into new tables."""
    emptied(folder / "input" / "tables")
    config = load_config(folder / "input" / "uae.toml")
    with spark_session(folder, "local[1]") as spark:
        store = TableStore(spark, config)
        slots = Feed(spark, config).slots(DAY)
        with timed() as run:
            run_steps(Night(store, DAY, DAY, slots=slots, reopens=False), [SLOTS])
            run.units = _count(folder)
    return run


def run_duckdb(folder: Path) -> Run:
    """Do the same with one thread of DuckDB."""
    config = load_config(folder / "input" / "uae.toml")
    output = emptied(folder / "duckdb")
    output.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = 1; SET memory_limit = '{DUCKDB_MEMORY}'; SET TimeZone = 'UTC'")
        connection.execute(
            f"SET temp_directory = '{folder / 'duckdb-temp'}'; SET preserve_insertion_order = false"
        )
        with timed() as run:
            connection.execute(f"CREATE TEMP TABLE judged AS {_judged_sql(folder, config)}")
            connection.execute(f"COPY ({_events_sql(config)}) TO '{output / 'events'}' {_WRITTEN}")
            bad = f"SELECT DATE '{DAY}' AS dt, * FROM judged WHERE reason <> ''"
            connection.execute(f"COPY ({bad}) TO '{output / 'quarantine'}' {_WRITTEN}")
            run.units = _count(folder)
    return run


PEERS: dict[str, Callable[[Path], Run]] = {"spark": run_spark, "duckdb": run_duckdb}
_WRITTEN = "(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (dt))"


def compare(folder: Path) -> dict[str, Any]:
    """Compare events and refused rows: their numbers, and an order-free checksum of what both name alike."""
    places = {
        "spark": (f"{folder}/input/tables/events", f"{folder}/input/tables/quarantine"),
        "duckdb": (f"{folder}/duckdb/events", f"{folder}/duckdb/quarantine"),
    }
    told = {peer: _digest(*places[peer]) for peer in PEERS}
    return {"agree": told["spark"] == told["duckdb"], **told["spark"], "peer": told["duckdb"]}


def _write(folder: Path, users: int) -> None:
    write_events(folder / "feed", users, DAY, seed=4)
    slot = folder / "feed" / f"dt={DAY}"
    for file in sorted(slot.glob("*.parquet")):
        pq.write_table(_with_faults(pq.ParquetFile(file).read()), file, compression="zstd")
    (slot / "_SUCCESS").touch()
    (folder / "hmac.key").write_text(KEY)
    (folder / "uae.toml").write_text('[paths]\nhmac_key_file = "hmac.key"\n')


def _with_faults(rows: pa.Table) -> pa.Table:
    """Spoil some rows, each in one way, and repeat some."""
    rng = np.random.default_rng(rows.num_rows)
    fault = rng.random(rows.num_rows) // BAD_SHARE
    spoilt: dict[str, tuple[int, Any]] = {
        "user_id": (0, None),
        "song_id": (1, "  "),
        "played_ms": (2, -5),
        "feedback": (3, "thumbs"),
        "played_at": (4, datetime(1999, 1, 1, tzinfo=UTC)),
    }
    for name, (number, value) in spoilt.items():
        place = rows.schema.get_field_index(name)
        field = rows.schema.field(place)
        bad = pa.compute.if_else(pa.array(fault == number), pa.scalar(value, field.type), rows[name])
        rows = rows.set_column(place, field, bad)
    twice = rows.filter(pa.array(fault == len(spoilt)))
    return pa.concat_tables([rows, twice])


def _count(folder: Path) -> int:
    return count_rows(f"{folder}/input/feed/dt={DAY}/*.parquet")


def _judged_sql(folder: Path, config: Config) -> str:
    """Return the slot's rows with the reasons against each, joined; empty where it is good."""
    feedback = ", ".join(f"'{name}'" for name in config.feed.feedback_map)
    longest = int(config.sessions.max_play_hours * 3_600_000)
    latest = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(
        days=1, hours=config.feed.future_hours
    )
    earliest = DAY - timedelta(days=config.feed.late_days)
    numbers = [f.column for f in config.features.numeric if f.source.startswith("feed.")]
    faults = {
        **{f"{name} is missing": f"coalesce(trim({name}), '') = ''" for name in ("user_id", "song_id")},
        "played_at is missing": "played_at IS NULL",
        "feedback is missing": "coalesce(trim(feedback), '') = ''",
        "feedback is unknown": f"trim(feedback) NOT IN ({feedback})",
        "played_ms is negative": "try_cast(played_ms AS DOUBLE) < 0",
        "played_ms is too long": f"try_cast(played_ms AS DOUBLE) > {longest}",
        "before feed.earliest_date": f"played_at < TIMESTAMPTZ '{config.feed.earliest_date} 00:00:00+00'",
        "after the slot": f"played_at >= TIMESTAMPTZ '{latest.isoformat()}'",
        "too late": f"played_at < TIMESTAMPTZ '{earliest} 00:00:00+00'",
        **{f"feature {name}": f"NOT isfinite(try_cast({name} AS DOUBLE))" for name in numbers},
    }
    reasons = ", ".join(f"CASE WHEN {test} THEN '{reason}' END" for reason, test in faults.items())
    return f"""SELECT *, concat_ws('; ', {reasons}) AS reason
        FROM read_parquet('{folder}/input/feed/dt={DAY}/*.parquet', hive_partitioning = false)"""


def _events_sql(config: Config) -> str:
    features = ", ".join(feature.name for feature in config.features.of_origin("feed"))
    return f"""SELECT trim(event_id) AS event_id, sha256('{KEY}' || trim(user_id)) AS user_id,
            trim(song_id) AS song_id, played_at, played_ms, feedback, {features},
            make_timestamp(epoch_us(played_at))::DATE AS dt
        FROM judged WHERE reason = ''
        QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY played_at) = 1"""


def _digest(events: str, quarantine: str) -> dict[str, Any]:
    rows = duckdb.execute(
        f"""SELECT count(*), count(DISTINCT user_id),
            sum(hash(event_id, song_id, epoch_us(played_at), played_ms, feedback, dt)::HUGEINT)::VARCHAR,
            sum(hash(event_id, device, play_source, artist, genre, song_popularity,
                genre_affinity)::HUGEINT)::VARCHAR
        FROM read_parquet('{events}/*/*.parquet', hive_partitioning = true)"""
    ).fetchall()
    refused = duckdb.execute(
        f"SELECT count(*) FROM read_parquet('{quarantine}/*/*.parquet', hive_partitioning = true)"
    ).fetchall()
    count, users, *checksums = rows[0]
    return {"events": count, "users": users, "checksums": checksums, "refused": refused[0][0]}
