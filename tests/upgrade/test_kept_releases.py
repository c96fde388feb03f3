"""Tables and models of every release before are read by this one: see scripts/keep_release.py."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from pyspark.sql import SparkSession

from scripts.keep_release import ARCHIVE, EXPECTED, KEPT, LARGEST, digest_of
from uae_model import __version__
from uae_model.config import Config, load_config
from uae_model.doctor import Status, check_data, check_setup
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.listing import Listing
from uae_model.lake import TableStore
from uae_model.pipeline.nightly import plan_night
from uae_model.readers.arrow import read_table_arrow, read_weights_arrow
from uae_model.readers.spark import read_weights
from uae_model.registry.client import Registry
from uae_model.registry.moved import place_after_move

RELEASES = sorted(path.parent.name for path in KEPT.glob(f"*/{EXPECTED}"))

TABLES = {
    *("events", "quarantine", "users", "songs", "plays", "feature_partials", "features", "scores"),
    *("weights", "feature_health", "publications", "refusals", "day_states"),
}
"""What a release must have kept, at least."""


@dataclass(frozen=True)
class Kept:
    """A release's folder, and what must be read out of it."""

    folder: Path
    expected: dict[str, Any]
    config: Config

    @property
    def days(self) -> list[date]:
        return [date.fromisoformat(text) for text in self.expected["published"]]

    @property
    def refused(self) -> date:
        return date.fromisoformat(self.expected["refused"])

    @property
    def tables(self) -> str:
        return self.config.paths.tables


@pytest.fixture(scope="module", params=RELEASES)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Return the folder of a release, unpacked elsewhere than where it was made."""
    release = KEPT / request.param
    folder = tmp_path_factory.mktemp("kept")
    with tarfile.open(release / ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    expected = json.loads((release / EXPECTED).read_text())
    return Kept(folder, expected, load_config(folder / "uae.toml"))


@pytest.fixture
def feed_in_its_place(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the feed lie where it lay: a slot's fingerprint holds the paths of its files."""
    plain = Feed.fingerprint

    def fingerprint(feed: Feed, slot: Slot, listing: Listing | None = None) -> str:
        found = listing or feed.files(slot)
        moved = tuple(
            replace(file, path=file.path.replace(str(kept.folder), kept.expected["place"]))
            for file in found.data
        )
        return plain(feed, slot, replace(found, data=moved))

    monkeypatch.setattr(Feed, "fingerprint", fingerprint)


def test_this_release_is_kept_and_small() -> None:
    assert __version__ in RELEASES, "make keep-release"
    for release in RELEASES:
        assert (KEPT / release / ARCHIVE).stat().st_size <= LARGEST


def test_weights_are_read_without_spark(kept: Kept) -> None:
    columns, digest = kept.expected["weight_columns"], kept.expected["weights_digest"]
    for choice in ({"first": kept.days[0], "last": kept.days[-1]}, {"latest": len(kept.days)}):
        assert digest_of(read_weights_arrow(kept.tables, **choice), columns) == digest
    each = [read_weights_arrow(kept.tables, day).num_rows for day in kept.days]
    assert min(each) > 0
    assert sum(each) == kept.expected["rows"]["weights"]


def test_every_table_has_its_rows(kept: Kept) -> None:
    rows = kept.expected["rows"]
    assert rows.keys() >= {
        "events",
        "quarantine",
        "plays",
        "features",
        "scores",
        "day_states",
        "refusals",
        "users",
    }
    assert {name: read_table_arrow(kept.tables, name).num_rows for name in rows} == rows
    assert min(rows.values()) > 0


def test_weights_are_read_with_spark(kept: Kept, spark: SparkSession) -> None:
    frame = read_weights(spark, kept.tables, kept.days[0], kept.days[-1])
    attention = {row["event_id"]: row["attention"] for row in frame.collect()}
    assert len(attention) == kept.expected["rows"]["weights"]
    for play in kept.expected["plays"]:
        assert attention[play["event_id"]] == play["attention"]


def test_the_models_are_loaded_and_predict_as_before(kept: Kept) -> None:
    registry = Registry(kept.config)
    champion = registry.champion()
    assert [champion.attention_version, champion.propensity_version] == kept.expected["champion"]
    assert champion.digest == kept.expected["model_digest"]
    plays = read_weights_arrow(kept.tables, kept.days[0], kept.days[-1]).to_pandas()
    for name, version in zip(("attention", "propensity"), kept.expected["champion"], strict=True):
        predicted = _predicted(kept.config, f"uae-{name}", version, plays)
        for play in kept.expected["plays"]:
            assert predicted[play["event_id"]] == pytest.approx(play[name], abs=1e-6)


def _predicted(config: Config, name: str, version: int, plays: pd.DataFrame) -> dict[str, float]:
    """Return what a version, as MLflow serves it, says of each play; the folder is not where it was made."""
    recorded = MlflowClient(config.paths.mlflow).get_model_version_download_uri(name, str(version))
    model = mlflow.pyfunc.load_model(place_after_move(recorded, config.paths.mlflow_artifacts))
    return dict(zip(plays["event_id"], model.predict(plays).iloc[:, 0], strict=True))


@pytest.mark.usefixtures("feed_in_its_place")
def test_a_published_day_is_not_built_again(kept: Kept, spark: SparkSession) -> None:
    registry = Registry(kept.config)
    for day in kept.days:
        planned, notices = plan_night(TableStore(spark, kept.config), registry, day)
        assert ([str(item) for item in planned], notices) == ([], [])


@pytest.mark.usefixtures("feed_in_its_place")
def test_of_the_refused_day_its_publication_alone_is_planned(kept: Kept, spark: SparkSession) -> None:
    planned, notices = plan_night(TableStore(spark, kept.config), Registry(kept.config), kept.refused)
    assert notices == []
    assert [(item.unit.table, item.unit.day) for item in planned] == [("publications", kept.refused)]


def test_the_doctor_finds_nothing_wrong(kept: Kept, spark: SparkSession) -> None:
    findings = [
        *check_setup(kept.config),
        *check_data(TableStore(spark, kept.config), kept.refused + timedelta(days=1)),
    ]
    assert [str(finding) for finding in findings if finding.status is Status.FAILED] == []
    (told,) = (finding.detail for finding in findings if finding.name == "published files")
    assert told == f"all files of {len(kept.days)} days can be read"
