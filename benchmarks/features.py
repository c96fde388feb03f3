"""Aggregate features night by night: the features step on Spark against the same windows in DuckDB.

Both keep partial aggregates of each day and merge those of the windows, so a night reads each event once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from benchmarks.events import DAY, write_events
from benchmarks.measure import Run, timed
from benchmarks.workspace import count_rows, emptied, made_once, spark_session
from uae_model.config import Config, Feature, load_config, parse_config
from uae_model.config.measures import Measure, declared, entities, entity_measures, first_needed_day, measures
from uae_model.features.aggregates import features_of_day, partials_of_day
from uae_model.sessions.cut import bots_of_day

USERS = 25_000
DAYS = 10
DUCKDB_MEMORY = "8GB"

LIKED = ["like", "share", "download"]
SKIPPED = ["skip", "dislike"]
MORE_AGGREGATES: list[dict[str, Any]] = [
    {"name": "user_since", "entity": "user", "function": "last_seen", "windows": 30},
    {"name": "user_weekday_plays", "entity": ["user", "day_of_week"], "function": "count", "windows": 30},
    {"name": "song_seconds", "entity": "song", "function": "mean", "value": "played_seconds", "windows": 7},
    {"name": "artist_skips", "entity": "artist", "function": "rate", "feedback": SKIPPED, "windows": 30},
    {"name": "genre_likes", "entity": "genre", "function": "rate", "feedback": LIKED, "windows": [7, 30]},
    {
        "name": "repeat_skips",
        "entity": ["user", "song"],
        "function": "rate",
        "feedback": SKIPPED,
        "windows": 30,
    },
    {
        "name": "fan_skips",
        "entity": ["user", "artist"],
        "function": "rate",
        "feedback": SKIPPED,
        "windows": 30,
    },
    {"name": "taste", "entity": ["user", "genre"], "function": "count", "windows": [7, 30]},
]
"""Declared beside the 12 features of the default profile and the 22 aggregates of the profile product44."""


def config_of_44() -> Config:
    """Return a configuration with 44 features, 32 of which are aggregates over the columns of the events."""
    default = load_config(None)
    product = load_config(None, profile="product44").features.of_origin("aggregate")
    more = [
        {
            "name": entry["name"],
            "role": "preference",
            "aggregate": {k: v for k, v in entry.items() if k != "name"},
        }
        for entry in MORE_AGGREGATES
    ]
    listed = [feature.model_dump() for feature in (*default.features, *product)]
    return parse_config({"features": [*listed, *more]})


def prepare(folder: Path, scale: float) -> dict[str, Any]:
    """Write the events of all days once."""
    users = max(100, int(USERS * scale))
    made_once(folder / "events", lambda events: write_days(events, users, DAYS))
    return {"events": count_events(folder / "events"), "days": DAYS, "features": len(config_of_44().features)}


def write_days(folder: Path, users: int, days: int) -> None:
    """Write the events of some days on which the same users listen."""
    for day in days_from(DAY, days):
        write_events(folder, users, day, seed=1, returning_users=True)


def days_from(first: date, count: int) -> list[date]:
    """Return some days in a row."""
    return [first + timedelta(days=offset) for offset in range(count)]


def count_events(events: Path, day: date | None = None) -> int:
    """Return the number of events, of one day where given."""
    folder = "*" if day is None else f"dt={day}"
    return count_rows(f"{events}/{folder}/*.parquet")


def spark_night(spark: SparkSession, folder: Path, output: Path, day: date, config: Config) -> None:
    """Write the partials of the day before and the features of a day, as the features step does."""
    spark_partials(spark, folder, output, day - timedelta(days=1), config)
    plays = _events_of(spark, folder, day)
    partials = spark.read.parquet(str(output / "partials"))
    values = features_of_day(plays, partials, day, config, plays.count())
    values.drop("dt").write.mode("overwrite").parquet(str(output / "features" / f"dt={day}"))


def spark_partials(spark: SparkSession, folder: Path, output: Path, day: date, config: Config) -> None:
    """Write the partials of one day; of a day without events none."""
    target = output / "partials" / f"dt={day}"
    events = _events_of(spark, folder, day)
    bots = bots_of_day(events, day, config)
    partials_of_day(events, bots, config).drop("dt").write.mode("overwrite").parquet(str(target))


def run_spark(folder: Path) -> Run:
    """Build every night in turn; Spark's start is not timed."""
    config = config_of_44()
    output = emptied(folder / "spark")
    with spark_session(folder, "local[1]") as spark, timed() as run:
        for day in days_from(DAY, DAYS):
            spark_night(spark, folder, output, day, config)
            run.units += count_events(folder / "events", day)
    return run


def run_duckdb(folder: Path) -> Run:
    """Do the same with one thread of DuckDB: the same files for each night, the same compression."""
    config = config_of_44()
    output = emptied(folder / "duckdb")
    with connect(folder) as connection, timed() as run:
        for day in days_from(DAY, DAYS):
            before = day - timedelta(days=1)
            if (folder / "events" / f"dt={before}").exists():
                for entity, features in entities(config).items():
                    target = output / "partials" / _folder(entity) / f"dt={before}"
                    _copy(connection, _partials_sql(folder, before, entity, features, config), target)
            _copy(connection, _features_sql(folder, output, day, config), output / "features" / f"dt={day}")
            run.units += count_events(folder / "events", day)
    return run


PEERS: dict[str, Callable[[Path], Run]] = {"spark": run_spark, "duckdb": run_duckdb}


def compare(folder: Path) -> dict[str, Any]:
    """Compare both outputs: rows, and an order-free checksum over every value of every feature."""
    names = [feature.name for feature in config_of_44().features.of_origin("aggregate")]
    with connect(folder) as connection:
        by_peer = {
            peer: connection.sql(
                f"SELECT count(*), {', '.join(f'sum(hash(event_id, {n})::HUGEINT)::VARCHAR' for n in names)} "
                f"FROM '{folder / peer}/features/*/*.parquet'"
            ).fetchall()[0]
            for peer in PEERS
        }
    differing = [
        name
        for name, ours, theirs in zip(["rows", *names], by_peer["spark"], by_peer["duckdb"], strict=True)
        if ours != theirs
    ]
    return {"agree": not differing, "plays": by_peer["spark"][0], "differing": differing}


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with one thread."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = 1; SET memory_limit = '{DUCKDB_MEMORY}'; SET TimeZone = 'UTC'")
    connection.execute(
        f"SET temp_directory = '{folder / 'duckdb-temp'}'; SET preserve_insertion_order = false"
    )
    return connection


def _events_of(spark: SparkSession, folder: Path, day: date) -> DataFrame:
    return spark.read.parquet(str(folder / "events")).where(F.col("dt") == F.lit(day))


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    target.mkdir(parents=True)
    connection.execute(f"COPY ({query}) TO '{target / 'part.parquet'}' (FORMAT parquet, COMPRESSION zstd)")


def _folder(entity: tuple[str, ...]) -> str:
    return "-".join(entity)


def _key(entity: tuple[str, ...]) -> str:
    columns = {
        "user": "user_id",
        "song": "song_id",
        "hour_of_day": "hour(played_at)",
        "day_of_week": "isodow(played_at)",
    }
    return f"hash({', '.join(columns.get(name, name) for name in entity)})"


def _partials_sql(
    folder: Path, day: date, entity: tuple[str, ...], features: list[Feature], config: Config
) -> str:
    columns = ", ".join(f"{_of_day(m, config)} AS {m.name}" for m in entity_measures(features))
    return f"""
SELECT {_key(entity)} AS key, {columns} FROM '{folder}/events/dt={day}/*.parquet'
WHERE user_id NOT IN (SELECT user_id FROM '{folder}/events/dt={day}/*.parquet' GROUP BY user_id
    HAVING count(*) > {config.sessions.max_plays_per_user_day})
GROUP BY key"""


def _of_day(measure: Measure, config: Config) -> str:
    conditions = []
    if measure.plays in ("active", "passive"):
        negated = "" if measure.plays == "active" else "NOT "
        conditions.append(f"feedback {negated}IN ({_listed(config.labels.active)})")
    if measure.plays == "completed":
        conditions.append(f"played_ms >= {config.aggregation.completed_seconds * 1000}")
    if measure.feedback:
        conditions.append(f"feedback IN ({_listed(measure.feedback)})")
    where = f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
    number = "played_ms / 1000" if measure.value == "played_seconds" else measure.value
    millionths = f"round({number or 0} * 1000000)::BIGINT"
    return {
        "count": f"count(*){where}",
        "known": f"count({millionths}){where}",
        "total": f"coalesce(sum({millionths}){where}, 0)::BIGINT",
        "last": f"max(epoch_us(played_at)){where}",
    }[measure.kind]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _features_sql(folder: Path, output: Path, day: date, config: Config) -> str:
    """Return the windows of every entity, joined to the plays of a day."""
    by_entity = entities(config)
    keys = {entity: f"key_{number}" for number, entity in enumerate(by_entity)}
    parts = [
        "plays AS (SELECT event_id, played_at, "
        + ", ".join(f"{_key(entity)} AS {name}" for entity, name in keys.items())
        + f" FROM '{folder}/events/dt={day}/*.parquet')"
    ]
    joins = []
    for entity, features in by_entity.items():
        name = f"windows_{keys[entity]}"
        parts.append(f"{name} AS ({_windows_sql(output, day, entity, keys[entity], features)})")
        joins.append(f"LEFT JOIN {name} ON plays.{keys[entity]} = {name}.key")
    values = ", ".join(
        _of_play(feature, f"windows_{keys[declared(feature).entity]}")
        for feature in config.features.of_origin("aggregate")
    )
    return f"WITH {', '.join(parts)} SELECT event_id, {values} FROM plays {' '.join(joins)}"


def _windows_sql(output: Path, day: date, entity: tuple[str, ...], key: str, features: list[Feature]) -> str:
    needed = dict.fromkeys((m, declared(f).window) for f in features for m in measures(declared(f)))
    merged = ", ".join(_merged(m, window, day) for m, window in needed)
    files = f"{output}/partials/{_folder(entity)}/*/*.parquet"
    if not list((output / "partials" / _folder(entity)).glob("*/*.parquet")):
        nothing = ", ".join(f"NULL::BIGINT AS {m.name}_{window}d" for m, window in needed)
        return f"SELECT NULL::UBIGINT AS key, {nothing} WHERE false"
    return f"""
SELECT key, {merged} FROM read_parquet('{files}', hive_partitioning = true)
WHERE dt BETWEEN DATE '{first_needed_day(day, features)}' AND DATE '{day - timedelta(days=1)}'
    AND key IN (SELECT {key} FROM plays)
GROUP BY key"""


def _merged(measure: Measure, window: int, day: date) -> str:
    within = f"FILTER (dt >= DATE '{day - timedelta(days=window)}')"
    merge = (
        f"max({measure.name}) {within}"
        if measure.kind == "last"
        else f"(sum({measure.name}) {within})::BIGINT"
    )
    return f"{merge} AS {measure.name}_{window}d"


def _of_play(feature: Feature, windows: str) -> str:
    aggregate = declared(feature)
    first, *second = [f"{windows}.{m.name}_{aggregate.window}d" for m in measures(aggregate)]
    if aggregate.function == "last_seen":
        value = f"(epoch_us(played_at) - {first}) / 86400000000::DOUBLE"
    else:
        amount = f"{first}::DOUBLE" + (" / 1000000" if aggregate.function in ("sum", "mean") else "")
        value = (
            f"CASE WHEN {second[0]} > 0 THEN {amount} / {second[0]} END"
            if second
            else f"coalesce({amount}, 0)"
        )
    return f"{value} AS {feature.name}"
