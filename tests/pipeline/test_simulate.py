"""A simulated feed goes through ingest and sessions, and every play of it has its truth."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY
from tests.pipeline.building import build_plays, ingest, ingest_dimensions, opened_quarantine
from uae_model.config import load_config
from uae_model.core.errors import InputError
from uae_model.features.dimensions import statement_count
from uae_model.ingest.accounting import IngestCounts
from uae_model.ingest.feed import Feed
from uae_model.lake import TableStore
from uae_model.pipeline.simulate import simulate, slot_days, write_dimension
from uae_model.simulation.feed import CLEAN, Defects
from uae_model.simulation.world import World

WORLD = World(first_day=DAY, days=1, users=30, songs=50, propensity_intercept=-1.0)
SPOILT = Defects(duplicated=0.05, late=0.05, bad=0.05)


class Simulated:
    """A feed of one profile and format, and what ingest made of it."""

    def __init__(self, spark: SparkSession, folder: Path, defects: Defects, form: str, profile: str) -> None:
        folder.mkdir()
        (folder / "uae.toml").touch()
        config = load_config(folder / "uae.toml", profile=profile, overrides=[f"feed.format={form}"])
        self.folder = folder
        self.store = TableStore(spark, config)
        self.summary = simulate(self.store, str(folder / "feed"), WORLD, defects, form)
        feed = Feed(spark, config)
        slots = [slot for day in slot_days(WORLD) for slot in feed.slots(day)]
        self.complete = [feed.is_complete(slot) for slot in slots]
        self.ingested = ingest(self.store, feed, *slot_days(WORLD))


@pytest.fixture(scope="module", autouse=True)
def _settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UAE_HMAC_KEY", "an hmac key for tests")
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulate")


@pytest.fixture(scope="module")
def clean(spark: SparkSession, folder: Path) -> Simulated:
    """One day of the profile with 44 features, without defects, as Parquet."""
    return Simulated(spark, folder / "clean", CLEAN, "parquet", "product44")


@pytest.fixture(scope="module")
def spoilt(spark: SparkSession, folder: Path) -> Simulated:
    """The same day with every defect, as JSON lines."""
    return Simulated(spark, folder / "spoilt", SPOILT, "jsonl", "default")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON feed, read without Spark."""
    rows = []
    for file in sorted((folder / "feed").glob("dt=*/*.json.gz")):
        with gzip.open(file, "rt") as lines:
            rows += [{**json.loads(line), "slot": file.parent.name} for line in lines]
    return rows


class TestClean:
    @pytest.fixture(scope="class")
    @staticmethod
    def built(clean: Simulated) -> dict[str, Any]:
        return build_plays(clean.store, DAY)

    def test_a_slot_is_delivered_for_each_day_and_one_more(self, clean: Simulated) -> None:
        names = sorted(path.name for path in (clean.folder / "feed").glob("dt=*"))
        assert names == ["dt=2026-01-05", "dt=2026-01-06"]
        assert clean.complete == [True, True]

    def test_every_row_is_ingested(self, clean: Simulated) -> None:
        plays = clean.summary["plays"]
        assert plays > 100
        assert clean.ingested == IngestCounts(read=plays, quarantined=0, inserted=plays, updated=0)

    def test_every_event_has_its_truth(self, clean: Simulated) -> None:
        truth, events = clean.store.read("truth"), clean.store.read("events")
        assert truth.count() == truth.select("event_id").distinct().count() == clean.summary["plays"]
        joined = events.alias("e").join(truth.alias("t"), ["event_id", "dt"])
        assert joined.count() == clean.summary["plays"]
        assert {row["relevance"] for row in truth.select("relevance").distinct().collect()} == {0, 1}
        # An active play was attended, and says what the listener likes.
        active = joined.where("feedback <> 'auto_play'")
        assert active.count() == round(clean.summary["active_share"] * clean.summary["plays"]) > 0
        says_good = "feedback IN ('like', 'share', 'download')"
        assert active.where(f"NOT attended OR ({says_good}) <> (relevance = 1)").count() == 0
        assert truth.where("NOT (attention BETWEEN 0 AND 1 AND propensity BETWEEN 0 AND 1)").count() == 0

    def test_the_profile_has_44_features_and_each_of_them_varies(
        self, clean: Simulated, built: dict[str, Any]
    ) -> None:
        features = clean.store.config.features
        assert len({feature.name for feature in features}) == len(features) == 44
        # The other 22 are aggregates, in a table of their own.
        played = [feature for feature in features if feature.origin != "aggregate"]
        columns = [f.column for f in played]
        assert len(columns) == 22
        values = clean.store.read("plays", [DAY]).select(columns).toPandas()
        assert values.notna().all().all()
        assert [name for name in columns if values[name].nunique() < 2] == []

    def test_sessions_are_those_that_were_simulated(self, clean: Simulated, built: dict[str, Any]) -> None:
        truth = clean.store.read("truth")
        # A listening day goes on after midnight; the sessions that start there belong to the next UTC day.
        started = truth.groupBy("simulated_session").agg(F.min("dt").alias("dt"), F.count("*").alias("plays"))
        expected = {
            row["simulated_session"]: row["plays"] for row in started.where(F.col("dt") == DAY).collect()
        }
        pairs = (
            clean.store.read("plays", [DAY])
            .join(truth.select("event_id", "simulated_session"), "event_id")
            .groupBy("session_id", "simulated_session")
            .agg(F.count("*").alias("plays"))
            .collect()
        )
        assert {row["simulated_session"]: row["plays"] for row in pairs} == expected
        assert len(pairs) == len({row["session_id"] for row in pairs}) == built["sessions"] == len(expected)
        assert (built["plays"], built["excluded"]) == (sum(expected.values()), 0)

    def test_a_feed_is_never_written_over(self, clean: Simulated) -> None:
        before = clean.store.latest_version("truth")
        feed = str(clean.folder / "feed")
        with pytest.raises(InputError, match=r"feed already holds a feed; remove the folder or choose"):
            simulate(clean.store, feed, WORLD, CLEAN, "parquet")
        assert clean.store.latest_version("truth") == before


def test_the_feeds_of_dimensions_are_written_and_ingested(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "uae.toml").touch()
    config = load_config(tmp_path / "uae.toml", profile="dimensions")
    store = TableStore(spark, config)
    for dimension in config.dimensions:
        write_dimension(store, dimension, WORLD, SPOILT)
    counts = ingest_dimensions(store, DAY, DAY)
    assert {name: found["added"] for name, found in counts.items()} == {
        "users": store.read("users").agg(statement_count()).collect()[0][0],
        "songs": store.read("songs").agg(statement_count()).collect()[0][0],
    }
    assert store.read("songs").select("song_id").distinct().count() == WORLD.songs
    assert counts["users"]["quarantined"] + counts["songs"]["quarantined"] > 0
    assert [found["repeated"] for found in counts.values()] == [0, 0]
    with pytest.raises(InputError, match="already holds a feed"):
        write_dimension(store, config.dimensions[0], WORLD, SPOILT)
    hourly = config.dimensions[0].model_copy(update={"feed": "users/{date}/{hour}"})
    with pytest.raises(InputError, match="dimension users is delivered by day"):
        write_dimension(store, hourly, WORLD, SPOILT)


class TestSpoilt:
    def test_what_ingest_drops_is_what_was_spoilt(self, spoilt: Simulated) -> None:
        rows = rows_of(spoilt.folder)
        names = [row["event_id"] for row in rows]
        bad = [name for name in names if name.startswith("bad-")]
        good = [name for name in names if not name.startswith("bad-")]
        assert min(len(bad), len(good) - len(set(good))) > 0
        assert spoilt.ingested == IngestCounts(
            read=len(rows), quarantined=len(bad), inserted=len(set(good)), updated=0
        )
        assert spoilt.ingested.remainder == len(good) - len(set(good))
        events = spoilt.store.read("events").select("event_id").collect()
        assert {row["event_id"] for row in events} == set(good)

    def test_every_kind_of_bad_row_is_quarantined_with_its_reason(self, spoilt: Simulated) -> None:
        told = [(row["reason"], row["value"] or "") for row in opened_quarantine(spoilt.store)]
        for reason_part, value_part in (
            ("played_at", "yesterday evening"),
            ("unknown feedback", "scroll"),
            ("song_id", ""),
            ("played_ms is negative", "-1"),
            ("starts after", "2199"),
        ):
            assert any(reason_part in reason and value_part in value for reason, value in told), reason_part

    def test_late_rows_come_in_a_later_slot(self, spoilt: Simulated) -> None:
        late = [
            row
            for row in rows_of(spoilt.folder)
            if not row["event_id"].startswith("bad-") and row["slot"] > f"dt={row['played_at'][:10]}"
        ]
        assert late
        found = spoilt.store.read("events").select("event_id", "dt").collect()
        days = {row["event_id"]: row["dt"] for row in found}
        assert all(days[row["event_id"]] == date.fromisoformat(row["played_at"][:10]) for row in late)

    def test_every_good_row_has_its_truth(self, spoilt: Simulated) -> None:
        truth = [row["event_id"] for row in spoilt.store.read("truth").collect()]
        events = [row["event_id"] for row in spoilt.store.read("events").collect()]
        assert sorted(truth) == sorted(events)
        assert len(truth) == spoilt.summary["plays"]

    def test_the_same_seed_gives_the_same_rows(
        self, spoilt: Simulated, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TableStore, "merge_new", lambda *of, **more: {})  # the feed alone
        feeds = {}
        for name, seed in (("again", 7), ("other", 8)):
            world = replace(WORLD, seed=seed)
            simulate(spoilt.store, str(folder / name / "feed"), world, SPOILT, "jsonl")
            feeds[name] = in_any_order(rows_of(folder / name))
        assert feeds["again"] == in_any_order(rows_of(spoilt.folder))
        assert feeds["other"] != feeds["again"]


def in_any_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)
