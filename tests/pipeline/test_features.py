"""Days of features: late events put right what they touch, nights and one backfill give the same tables."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY, Event, event, events_frame
from tests.features.aggregates.builders import aggregate, session
from tests.pipeline.building import accept, build_features, build_plays, reopened
from uae_model.config import Config, parse_config
from uae_model.core.errors import InputError
from uae_model.features.aggregates.windows import BROADCAST_KEYS, features_of_day, salt_of, salted_join
from uae_model.features.columns import plays_with_features
from uae_model.lake import TableStore
from uae_model.pipeline.steps import FEATURE_STEPS
from uae_model.pipeline.steps.features import require_features
from uae_model.scoring.udf import network_inputs
from uae_model.snapshot.write import write_snapshot

DAYS = [DAY + timedelta(days=offset) for offset in range(4)]
FEATURES: list[dict[str, Any]] = [
    {"name": "artist", "kind": "categorical", "role": "both"},
    {"name": "song_popularity", "kind": "numeric", "role": "preference"},
    {**session("hour_of_day", "categorical"), "buckets": 24},
    {**session("same_artist", "categorical"), "buckets": 2},
    {**aggregate("plays", ["user"], "count", [1, 2]), "transform": "log1p"},
    aggregate("skipped", ["artist"], "rate", 2, feedback=["skip"]),
    aggregate("songs", ["artist"], "approx_distinct", 2, value="song"),
]


def played(event_id: str, when: str, song: str, feedback: str = "auto_play", user: str = "u1") -> Event:
    return event(event_id, when, song_id=song, feedback=feedback, user_id=user)


EVENTS = [
    *[played("a", "05 10:00", "s1"), played("b", "05 10:10", "s1", "skip")],
    *[played("c", "06 09:00", "s1"), played("d", "06 23:50", "s2", "like"), played("e", "07 00:05", "s2")],
    *[played("f", "07 12:00", "s1", user="u2"), played("g", "07 12:10", "s1", user="u2")],
    *[played("h", "08 08:00", "s2"), played("i", "08 08:04", "s1", user="u2")],
    # A bot on the sixth, of whose plays no aggregate knows.
    *[played(f"x{hour}", f"06 0{hour}:30", "s1", "skip", user="bot") for hour in range(2, 8)],
]
LATE = played("late", "06 09:20", "s1", "skip")


def opened(spark: SparkSession, folder: Path) -> TableStore:
    paths = {name: str(folder / name) for name in ("tables", "snapshots")}
    rules = {"sessions": {"max_plays_per_user_day": 4}, "training": {"processes": 1}}
    return TableStore(spark, parse_config({"features": FEATURES, "paths": paths, **rules}))


def deliver(store: TableStore, items: Sequence[Event], *days: date) -> None:
    for day in days:
        mine = [item for item in items if item.played_at.date() == day]
        store.replace_day("events", day, events_frame(store.spark, mine, store.config), {"step": "test"})


def rows(store: TableStore, table: str, *days: date) -> list[dict[str, Any]]:
    found = [row.asDict() for row in store.read(table, days or None).collect()]
    return sorted(found, key=lambda row: str(sorted(row.items(), key=str)))


@pytest.fixture(scope="module")
def told(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """Tell one story: four nights, of which the last finds a late event, and a backfill of everything."""
    found: dict[Any, Any] = {}
    store = opened(spark, tmp_path_factory.mktemp("nights"))
    deliver(store, EVENTS, *DAYS)
    for day in DAYS[:3]:
        build_plays(store, day)
        found[day] = build_features(store, day)
    found["again"] = build_features(store, DAYS[2]), reopened(store, FEATURE_STEPS, DAYS[3])
    found["before"] = {row["event_id"]: row for row in rows(store, "features")}

    deliver(store, [*EVENTS, LATE], DAYS[1])
    for day in (*DAYS[1:3], DAYS[3]):
        build_plays(store, day)
    found["changed"] = reopened(store, FEATURE_STEPS, DAYS[3])
    with pytest.raises(
        InputError, match="table features: 2026-01-06, 2026-01-07, 2026-01-08 missing or older"
    ):
        require_features(store, DAYS)
    for day in [*found["changed"], DAYS[3]]:
        build_features(store, day)
    require_features(store, DAYS)

    whole = opened(spark, tmp_path_factory.mktemp("backfill"))
    for table in ("events", "plays"):  # the same plays: what cuts them has tests of its own
        shutil.copytree(store.path(table), whole.path(table))
    for day in DAYS:
        accept(whole, "plays", day=day)
        build_features(whole, day)
    return {**found, "store": store, "backfill": whole}


def test_each_play_has_one_row_and_each_day_of_partials_is_built_once(told: dict[Any, Any]) -> None:
    assert [told[day] for day in DAYS[:3]] == [0, 1, 1]


def test_a_second_run_does_nothing(told: dict[Any, Any]) -> None:
    again, changed = told["again"]
    assert (again, changed) == (0, [])


def test_the_values_of_a_day_come_from_the_days_before_it(told: dict[Any, Any]) -> None:
    def of(event_id: str) -> tuple[Any, ...]:
        row = told["before"][event_id]
        return row["plays_1d"], row["plays_2d"], row["skipped"], row["songs"]

    assert of("a") == (0, 0, None, 0)
    assert of("c") == (2, 2, 0.5, 1)  # artist of s1: a and b
    # Of the session begun on the sixth, though it starts on the seventh; its artist is new.
    assert of("e") == of("d") == (2, 2, None, 0)
    # The bot's skips of the sixth do not count, nor has this user played before.
    assert of("f") == of("g") == (0, 0, pytest.approx(1 / 3), 1)


def test_a_late_event_changes_the_days_after_its_own(told: dict[Any, Any]) -> None:
    assert told["changed"] == [DAYS[1], DAYS[2]]
    after = {row["event_id"]: row for row in rows(told["store"], "features")}
    assert after["f"]["skipped"] == 0.5
    assert after["late"]["plays_1d"] == 2
    unchanged = [event_id for event_id in told["before"] if told["before"][event_id] == after[event_id]]
    assert sorted(unchanged) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("table", ["feature_partials", "features"])
def test_nights_and_one_backfill_give_the_same_rows(told: dict[Any, Any], table: str) -> None:
    assert rows(told["store"], table) == rows(told["backfill"], table)


def test_training_and_scoring_read_the_same_numbers(told: dict[Any, Any]) -> None:
    store: TableStore = told["store"]
    manifest = write_snapshot(store, DAYS[1:2], DAYS[2:3])
    assert manifest.features_version == store.latest_version("features")
    trained: dict[str, tuple[list[Any], list[Any]]] = {}
    for file in manifest.validation.files:
        for row in pq.read_table(f"{manifest.root}/{file.path}", partitioning=None).to_pylist():
            trained[row["session_id"]] = row["categorical"], row["numeric"]
    scored: dict[str, tuple[list[Any], list[Any]]] = {}
    plays = plays_with_features(store, DAYS[2:3])
    buckets = 3 + len(store.config.features.categorical)
    encoded = plays.select("session_id", F.array(*network_inputs(store.config)).alias("inputs")).collect()
    for row in sorted(encoded, key=lambda row: row["inputs"][0]):
        categorical, numeric = scored.setdefault(row["session_id"], ([], []))
        categorical += row["inputs"][3:buckets]
        numeric += row["inputs"][buckets:]
    assert scored
    for session_id, (categorical, numeric) in scored.items():
        padded = trained[session_id]
        assert padded[0][: len(categorical)] == categorical
        assert padded[1][: len(numeric)] == pytest.approx(numeric, nan_ok=True, abs=0)
        assert not any(padded[0][len(categorical) :])
    assert len(trained) == len(scored)


def test_a_hot_artist_is_shared_among_tasks_and_loses_nothing(spark: SparkSession) -> None:
    plays = spark.range(1000).selectExpr(
        "concat('e', id) AS event_id", "IF(id % 10 < 3, 0L, id) AS key"
    )  # one artist in 30 % of all plays
    windows = plays.select("key").distinct().selectExpr("key", "key * 2.0 AS value").where("key % 7 <> 1")
    salts = 8
    salted = salted_join(plays, windows, "key", salts)
    assert sorted(salted.collect()) == sorted(salted_join(plays, windows, "key", 1).collect())
    shares = plays.withColumn("salt", salt_of(salts)).groupBy("key", "salt").count().collect()
    assert max(row["count"] for row in shares) < 1.5 * 300 / salts


def test_a_day_too_large_for_broadcasts_gets_the_same_values(told: dict[Any, Any]) -> None:
    store: TableStore = told["store"]
    plays, partials = store.read("plays", DAYS[1:2]), store.read("feature_partials")
    few, many = (
        sorted(features_of_day(plays, partials, DAYS[1], store.config, count).collect())
        for count in (10, BROADCAST_KEYS + 1)
    )
    assert few == many
    assert few


def test_an_unknown_entity_keeps_its_row(spark: SparkSession, told: dict[Any, Any]) -> None:
    config: Config = told["store"].config
    plays = told["store"].read("plays", DAYS[2:3])
    unnamed = plays.selectExpr("* EXCEPT (artist)", "CAST(NULL AS STRING) AS artist")
    partials = told["store"].read("feature_partials")
    found = features_of_day(unnamed, partials, DAYS[2], config, 2).collect()
    assert [(row["plays_2d"], row["skipped"], row["songs"]) for row in found] == [(0, None, None)] * 2
