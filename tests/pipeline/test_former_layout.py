"""Tables from before ``scores`` are read, and their days go on in the new one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY
from tests.lake.test_store import frame_of
from tests.pipeline.building import FakeRegistry, accept
from tests.pipeline.published_days import (
    NEXT,
    maintain,
    night,
    opened,
    publish,
    rows_of,
    score_by_a_constant,
    seen_by_all,
    stale,
)
from uae_model.config import load_config
from uae_model.doctor import Status
from uae_model.doctor.data import check_published_files
from uae_model.lake import TableStore, Unit
from uae_model.pipeline.runner import build
from uae_model.pipeline.steps import PUBLICATION, SCORES


@pytest.fixture(autouse=True)
def scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    score_by_a_constant(monkeypatch)


def scored_before(store: TableStore, day: date, *weights: float) -> int:
    if store.states.version("plays", day) is None:
        plays = frame_of(store, "plays", rows_of(day, [0.0] * 3))
        store.replace_day("plays", day, plays, {"step": "test"})
        accept(store, "plays", day=day)
    record = {
        "unit": ["weights", day.isoformat(), ""],
        "inputs": {f"plays {day}": store.states.version("plays", day), "model": "1/1"},
        "settings": SCORES.settings(store.config),
        "counts": {"models": [1, 1]},
    }
    store.replace_day("weights", day, frame_of(store, "weights", rows_of(day, weights)), record)
    accept(store, "weights", day=day)
    version = store.states.version("weights", day)
    assert version is not None
    return version


def published_before(store: TableStore, day: date, version: int) -> None:
    row = {
        **{"dt": day, "table_name": "weights", "delta_version": version, "row_count": 6},
        **{"status": "published", "checks": ["ok"], "attention_model_version": 1},
        **{"propensity_model_version": 1},
    }
    record = {
        "unit": ["publications", day.isoformat(), ""],
        "inputs": {f"weights {day}": version},
        "settings": PUBLICATION.settings(store.config),
        "counts": {"delta_version": version, "row_count": 6, "models": [1, 1]},
    }
    frame = frame_of(store, "publications", [row])
    store.replace_day("publications", day, frame, record, within={"table_name": "weights"})
    accept(store, "publications", day=day)


class TestFormerLayout:
    """Tables from before ``scores``: candidates lay in ``weights`` beside what publications pinned."""

    @pytest.fixture(scope="class")
    @staticmethod
    def former(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TableStore:
        """The first day is published; the second was published and then scored again, to no avail."""
        folder = tmp_path_factory.mktemp("former")
        (folder / "uae.toml").touch()
        store = TableStore(spark, load_config(folder / "uae.toml"))
        published_before(store, DAY, scored_before(store, DAY, 0.3, 0.4, 0.5))
        published_before(store, NEXT, scored_before(store, NEXT, 0.6, 0.7, 0.8))
        scored_before(store, NEXT, 0.01, 0.02, 0.03)
        store.states.flush()
        return opened(store)

    def test_days_are_read_and_nothing_is_built_again(self, former: TableStore) -> None:
        assert seen_by_all(former, DAY, NEXT) == {0.3, 0.4, 0.5, 0.6, 0.7, 0.8}
        assert [stale(former, DAY, step) for step in (SCORES, PUBLICATION)] == [None, None]
        assert stale(former, NEXT, SCORES) is None
        assert str(stale(former, NEXT)).startswith(f"weights {NEXT} changed, version ")
        assert check_published_files(former).status is Status.OK

    def test_late_events_reopen_a_day_through_the_new_table(self, former: TableStore) -> None:
        plays = frame_of(former, "plays", rows_of(DAY, [0.0] * 3))
        former.replace_day("plays", DAY, plays, {"step": "test"})
        accept(former, "plays", day=DAY)
        tonight = night(former, NEXT)
        assert Unit("scores", DAY) in SCORES.units(tonight)
        assert str(stale(former, DAY, SCORES)).startswith(f"plays {DAY} changed, version ")
        registry: Any = FakeRegistry()
        build(former, SCORES, DAY, registry)
        publish(former, DAY)
        assert seen_by_all(former, DAY) == {0.25}
        assert [stale(opened(former), DAY, step) for step in (SCORES, PUBLICATION)] == [None, None]

    def test_a_candidate_goes_into_the_new_table_before_it_is_published(self, former: TableStore) -> None:
        publish(former, NEXT)
        assert seen_by_all(former, NEXT) == {0.01, 0.02, 0.03}
        again = opened(former)
        assert again.read("scores", [NEXT]).count() == 6
        assert [stale(again, NEXT, step) for step in (SCORES, PUBLICATION)] == [None, None]
        maintain(again)
        assert seen_by_all(again, DAY, NEXT) == {0.25, 0.01, 0.02, 0.03}
