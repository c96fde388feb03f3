"""Dimensions through the tables: nights with a late row and an unknown song, again, and as one backfill."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY, event, events_frame, write_slot
from tests.features.aggregates.builders import aggregate
from tests.features.dimensions.builders import FEATURES, SONGS, USERS
from tests.pipeline.building import (
    build_features,
    build_plays,
    ingest_dimensions,
    opened_quarantine,
    reopened,
)
from uae_model.config import parse_config
from uae_model.config.explain import explain
from uae_model.core.errors import ContractError
from uae_model.doctor.data import is_expected
from uae_model.features.aggregates import features_of_day
from uae_model.features.columns import plays_with_features
from uae_model.ingest.identity import user_hasher
from uae_model.lake import TableStore
from uae_model.pipeline.steps import FEATURE_STEPS, dimensions
from uae_model.pipeline.steps.features import require_features
from uae_model.pipeline.steps.judging import quarantined_plays, quarantined_statements
from uae_model.snapshot.write import write_snapshot

KEY = "an hmac key for tests"
DAYS = [DAY + timedelta(days=number) for number in range(3)]
ANN = user_hasher(KEY.encode())(pd.Series(["ann"]))[0]

EVENTS = [
    event("before", "05 10:00", user_id=ANN),
    event("after", "05 13:00", user_id=ANN),
    event("unknown", "05 13:05", user_id=ANN, song_id="s9"),
    event("next day", "06 10:00", user_id="somebody", song_id="s1"),
]


def row(song: str, when: str, genre: str | None, year: Any = 1990) -> dict[str, Any]:
    return {"song_id": song, "valid_from": f"2026-01-{when}:00Z", "genre": genre, "year": year}


SONG_SLOTS: list[list[dict[str, Any] | str]] = [
    [row("s1", "01T00:00", "rock"), row("s2", "01T00:00", "jazz"), row("s2", "01T00:00", "jazz", "old")],
    [row("s1", "06T00:00", "pop"), row("s2", "06T00:00", "jazz"), "{cut"],
    # Late: of the fifth. What it says of s2 is over before any play of it.
    [row("s1", "05T12:00", "metal", None), row("s2", "02T00:00", "blues"), row("s1", "06T00:00", "pop")],
]
USER_SLOTS: list[list[dict[str, Any] | str]] = [
    [{"user_id": "ann", "valid_from": "2026-01-05T09:00:00Z", "plan": "free"}],
    [{"user_id": "ann", "valid_from": "2026-01-05T13:00:00Z", "plan": "paid"}],
    [],
]


@pytest.fixture(scope="module", autouse=True)
def _key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UAE_HMAC_KEY", KEY)
        yield


def opened(spark: SparkSession, folder: Path) -> TableStore:
    declared = [
        {**each.model_dump(), "format": "jsonl", "feed": f"{folder}/{each.table}/dt={{date}}"}
        for each in (SONGS, USERS)
    ]
    paths = {name: str(folder / name) for name in ("tables", "snapshots")}
    rules = {"training": {"processes": 1}, "feed": {"late_days": 1, "accept_empty_slots": True}}
    return TableStore(
        spark, parse_config({"features": FEATURES, "dimensions": declared, "paths": paths, **rules})
    )


def deliver(folder: Path, number: int) -> None:
    write_slot(folder / "songs", DAYS[number], SONG_SLOTS[number])
    write_slot(folder / "users", DAYS[number], USER_SLOTS[number])


def deliver_plays(store: TableStore) -> None:
    for day in DAYS[:2]:
        mine = [each for each in EVENTS if each.played_at.date() == day]
        store.replace_day("events", day, events_frame(store.spark, mine, store.config), {"step": "test"})
        build_plays(store, day)


def rows(store: TableStore, table: str) -> list[dict[str, Any]]:
    found = [each.asDict() for each in store.read(table).collect()]
    return sorted(found, key=lambda each: str(sorted(each.items(), key=str)))


def values(store: TableStore) -> dict[str, tuple[Any, ...]]:
    return {
        each["event_id"]: (each["song_genre"], each["song_year"], each["user_plan"])
        for each in rows(store, "features")
    }


@pytest.fixture(scope="module")
def told(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("nights")
    store = opened(spark, folder)
    found: dict[str, Any] = {"store": store}
    deliver_plays(store)
    whole = opened(spark, tmp_path_factory.mktemp("backfill"))
    shutil.copytree(store.config.paths.tables, whole.config.paths.tables)  # the same plays
    deliver(folder, 0)
    deliver(folder, 1)
    found["first"] = ingest_dimensions(store, DAYS[0], DAYS[0])
    build_features(store, DAYS[0])
    build_features(store, DAYS[1])
    found["before"] = values(store)

    versions = {name: store.latest_version(name) for name in ("users", "songs", "quarantine")}
    found["again"] = ingest_dimensions(TableStore(spark, store.config), DAYS[0], DAYS[0])
    found["untouched"] = versions == {name: store.latest_version(name) for name in versions}
    found["nothing changed"] = reopened(store, FEATURE_STEPS, DAYS[2])

    deliver(folder, 2)
    found["second"] = ingest_dimensions(store, DAYS[1], DAYS[1])
    require_features(store, DAYS[:2])  # what was built stays good for training
    found["changed"] = reopened(store, FEATURE_STEPS, DAYS[2])
    for day in found["changed"]:
        build_features(store, day)
    found["after"] = values(store)

    for number in range(3):
        deliver(Path(whole.config.paths.tables).parent, number)
    ingest_dimensions(whole, DAYS[0], DAYS[2])
    for day in DAYS[:2]:
        build_features(whole, day)
    return {**found, "backfill": whole}


def test_every_row_is_added_repeated_or_in_quarantine(told: dict[str, Any]) -> None:
    assert told["first"] == {
        "songs": {"read": 6, "quarantined": 2, "forgotten": 0, "added": 4, "repeated": 0},
        "users": {"read": 2, "quarantined": 0, "forgotten": 0, "added": 2, "repeated": 0},
    }
    assert told["second"] == {
        "songs": {"read": 3, "quarantined": 0, "forgotten": 0, "added": 2, "repeated": 1},
        "users": {"read": 0, "quarantined": 0, "forgotten": 0, "added": 0, "repeated": 0},
    }


def test_the_same_files_again_change_nothing(told: dict[str, Any]) -> None:
    assert {count for counts in told["again"].values() for count in counts.values()} == {0}
    assert told["untouched"]
    assert told["nothing changed"] == []


def test_bad_rows_are_in_quarantine_and_no_part_of_the_days_plays(told: dict[str, Any]) -> None:
    store = told["store"]
    found = [(each["dt"], each["slot"], each["reason"], each["value"]) for each in opened_quarantine(store)]
    assert sorted(found) == [
        (DAYS[0], "songs/dt=2026-01-05", "attribute year is no number", "old"),
        (DAYS[1], "songs/dt=2026-01-06", "the line is no JSON object", None),
    ]
    assert quarantined_plays(store, DAYS[0]) == 0
    shares = {
        each.table: [quarantined_statements(store, each, day) for day in DAYS]
        for each in store.config.dimensions
    }
    assert shares == {"songs": [(1, 3), (1, 3), (0, 3)], "users": [(0, 1), (0, 1), (0, 0)]}


def test_plays_have_the_attributes_of_their_start_and_none_is_lost(told: dict[str, Any]) -> None:
    assert told["store"].states.accepted("features", DAYS[0]).counts["plays"] == 3
    assert told["before"] == {
        "before": ("rock", 1990.0, "free"),
        "after": ("rock", 1990.0, "paid"),
        "unknown": (None, None, "paid"),
        "next day": ("pop", 1990.0, None),
    }
    assert not told["store"].exists("feature_partials")


def test_a_late_row_changes_the_day_it_speaks_of_alone(told: dict[str, Any]) -> None:
    assert told["changed"] == [DAYS[0]]
    assert told["after"] == {**told["before"], "after": ("metal", None, "paid")}


@pytest.mark.parametrize("table", ["songs", "users", "features"])
def test_nights_and_one_backfill_give_the_same_rows(told: dict[str, Any], table: str) -> None:
    assert rows(told["store"], table) == rows(told["backfill"], table)


def test_the_table_has_one_version_for_each_time(told: dict[str, Any]) -> None:
    found = [
        (each["genre"], each["valid_from"].astimezone(UTC).day, len(each["restated_at"]))
        for each in rows(told["store"], "songs")
    ]
    assert sorted(found, key=str) == [
        *[("blues", 2, 0), ("jazz", 1, 0), ("jazz", 6, 0)],
        *[("metal", 5, 0), ("pop", 6, 0), ("rock", 1, 0)],
    ]


def test_training_and_scoring_read_them(told: dict[str, Any]) -> None:
    store: TableStore = told["store"]
    frame = plays_with_features(store, DAYS[:1])
    assert frame.columns[-4:] == ["song_genre", "song_year", "user_plan", "dt"]
    assert {each["event_id"]: each["song_genre"] for each in frame.collect()} == {
        **{"before": "rock", "after": "metal", "unknown": None},
    }
    manifest = write_snapshot(store, DAYS[:1], DAYS[1:2])
    assert manifest.features_version == store.latest_version("features")
    assert manifest.numeric_mean == (1990.0,)  # of the one play whose year is known


def test_attributes_come_along_with_aggregates(spark: SparkSession, told: dict[str, Any]) -> None:
    declared = {"features": [*FEATURES, aggregate("plays", ["user"], "count", 1)]}
    config = parse_config({**told["store"].config.model_dump(), **declared})
    plays = (
        told["store"]
        .read("plays", DAYS[:1])
        .selectExpr("*", "'rock' AS song_genre", "1.0D AS song_year", "CAST(NULL AS STRING) AS user_plan")
    )
    partials = spark.createDataFrame([], "entity string, key bigint, count bigint, dt date")
    found = features_of_day(plays, partials, DAY, config, 3)
    assert found.columns == ["event_id", "dt", "song_genre", "song_year", "user_plan", "plays"]
    assert {each[2:] for each in found.collect()} == {("rock", 1.0, None, 0.0)}


def test_rows_that_do_not_add_up_are_an_error(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(spark, tmp_path)
    deliver(tmp_path, 0)
    counts = iter([5, 2])  # before and after
    monkeypatch.setattr(dimensions, "statement_count", lambda: F.lit(next(counts)))
    with pytest.raises(
        ContractError, match=r"table songs, feed songs/dt=2026-01-05, version .* statements add up: FAILED"
    ):
        ingest_dimensions(store, DAY, DAY)


def test_a_run_that_dies_before_its_commit_is_run_again_as_if_it_had_not(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(spark, tmp_path)
    deliver(tmp_path, 0)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TableStore, "merge_changes", die)
        with pytest.raises(KeyboardInterrupt):
            ingest_dimensions(store, DAY, DAY)
    assert rows(store, "songs") == []
    again = ingest_dimensions(store, DAY, DAY)
    assert again["songs"] == {"read": 3, "quarantined": 1, "forgotten": 0, "added": 2, "repeated": 0}
    assert [each["occurrences"] for each in rows(store, "quarantine")] == [1]


def test_without_a_dimension_there_is_nothing_to_do(spark: SparkSession, tmp_path: Path) -> None:
    config = parse_config({"features": [{**FEATURES[0], "role": "both"}], "paths": {"tables": str(tmp_path)}})
    store = TableStore(spark, config)
    assert ingest_dimensions(store, DAY, DAY) == {}
    assert not list(tmp_path.iterdir())
    assert not is_expected("songs", store)
    assert not is_expected("features", store)
    declared = opened(spark, tmp_path)
    assert is_expected("songs", declared)
    assert is_expected("features", declared)
    assert not is_expected("feature_partials", declared)


def test_explain_says_what_attributes_are(told: dict[str, Any]) -> None:
    text = " ".join(explain(told["store"].config).split())
    assert "the genre of the play's song when the play started songs a join a day" in text
    assert "the year of the play's song when the play started songs a column, from versions read" in text
    assert "the plan of the play's user when the play started users a join a day" in text
