"""When a day is scored at all; what scoring gives has tests of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY
from uae_model.config import Config
from uae_model.core.errors import InputError
from uae_model.lake import Commit
from uae_model.models.pair import Traits
from uae_model.pipeline import score as module
from uae_model.pipeline.score import plays_changed, score_day

CHAMPION: Any = SimpleNamespace(
    attention_version=3, propensity_version=4, state={"calibration": {}}, traits=Traits()
)


class FakeStore:
    """Commits by table, and the days that were written."""

    def __init__(self, config: Config, **commits: Commit) -> None:
        self.config = config
        self.commits = commits
        self.written: list[dict[str, Any]] = []
        self.spark = SimpleNamespace(
            sparkContext=SimpleNamespace(broadcast=lambda value: SimpleNamespace(unpersist=lambda: None))
        )

    def last_commit(self, name: str, day: Any) -> Commit | None:
        assert day == DAY
        return self.commits.get(name)

    def read(self, name: str, days: Any, version: int | None = None) -> Any:
        return SimpleNamespace(count=lambda: 7)

    read_or_empty = read

    def replace_day(self, name: str, day: Any, frame: Any, metadata: dict[str, Any]) -> None:
        assert name == "weights"
        self.written.append(metadata)


class FakeFrame:
    def withColumn(self, name: str, value: Any) -> FakeFrame:  # noqa: N802
        return self


@pytest.fixture(autouse=True)
def _fakes(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:  # columns need a session
    monkeypatch.setattr(module, "fingerprint", lambda frame: "these plays")
    monkeypatch.setattr(module, "score_plays", lambda *_: FakeFrame())
    monkeypatch.setattr(module, "serialise", lambda state: b"")


def scored(config: Config, **changes: Any) -> Commit:
    built_from = {
        **{"plays": "these plays", "settings": config.digest()},
        **{"attention_version": 3, "propensity_version": 4, "step": "score"},
    }
    return Commit(2, {**built_from, **changes})


def test_a_day_without_plays_is_named(config: Config) -> None:
    store: Any = FakeStore(config)
    with pytest.raises(InputError, match="2026-01-05 has no plays; run uae sessions --date 2026-01-05 first"):
        score_day(store, CHAMPION, DAY)


def test_a_day_is_scored_once(config: Config) -> None:
    store: Any = FakeStore(config, plays=Commit(1, {}))
    assert score_day(store, CHAMPION, DAY) == 7
    assert store.written == [scored(config).metadata]
    current: Any = FakeStore(config, plays=Commit(1, {}), weights=scored(config))
    assert score_day(current, CHAMPION, DAY) == 7
    assert current.written == []


@pytest.mark.parametrize(
    "change",
    [{"plays": "others"}, {"settings": "others"}, {"attention_version": 2}, {"propensity_version": 2}],
)
def test_whatever_a_score_depends_on_makes_it_stale(config: Config, change: dict[str, Any]) -> None:
    store: Any = FakeStore(config, plays=Commit(1, {}), weights=scored(config, **change))
    score_day(store, CHAMPION, DAY)
    assert store.written == [scored(config).metadata]


def test_only_a_day_that_was_scored_can_have_other_plays_now(config: Config) -> None:
    for commits, changed in (
        ({}, False),
        ({"weights": scored(config)}, False),
        ({"weights": scored(config, plays="others")}, True),
    ):
        store: Any = FakeStore(config, **commits)
        assert plays_changed(store, DAY) is changed
