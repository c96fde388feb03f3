"""Large days are scored file by file, with the rows that Spark would have written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import Row

from tests.builders import DAY
from tests.pipeline.building import accept
from tests.training_builders import pair_for, play_rows, plays_frame
from uae_model.config import Config, FeatureSet
from uae_model.lake import MANY_ROWS, TableStore
from uae_model.lake.log import changes_after
from uae_model.pipeline.runner import build
from uae_model.pipeline.steps import SCORES, scores
from uae_model.registry.client import Champion

ROWS = sorted(play_rows(DAY, 30), key=lambda row: (row["session_id"], row["position"]))
BY_FILES, BY_ROWS = "Manual Update", "WRITE"
NUMBERS = ("attention", "propensity", "sample_weight")


def registry_of(config: Config) -> Any:
    champion = Champion(1, 2, pair_for(config).to_state(), FeatureSet())
    return SimpleNamespace(
        champion=lambda: champion, champion_versions=lambda: (1, 2), recorded=lambda version: {}
    )


def write(store: TableStore, rows: list[dict[str, Any]]) -> None:
    frame = plays_frame(store.spark, store.config, rows).coalesce(1)
    store.replace_day("plays", DAY, frame, {"step": "test"}, about_rows=MANY_ROWS)  # in this order
    accept(store, "plays", day=DAY, rows=len(rows))


def scored(store: TableStore) -> tuple[str, list[Row]]:
    """Score the day; return how its commit was made, and the rows."""
    assert build(store, SCORES, DAY, registry_of(store.config)).counts["rows"] == len(ROWS)
    path, version = store.path("scores"), store.latest_version("scores")
    changes, _ = changes_after(store.spark, path, version - 1, version)
    rows = store.read("scores", [DAY]).orderBy("session_id", "position").collect()
    return changes[0].operation, rows


def same(ours: list[Row], theirs: list[Row]) -> bool:
    plain = [
        [{k: v for k, v in row.asDict().items() if k not in NUMBERS} for row in rows]
        for rows in (ours, theirs)
    ]
    numbers = [[row[name] for row in rows for name in NUMBERS] for rows in (ours, theirs)]
    return plain[0] == plain[1] and numbers[0] == pytest.approx(numbers[1], abs=1e-6)


def test_a_large_day_has_the_rows_that_spark_writes(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, ROWS)
    operation, by_rows = scored(store)
    assert operation == BY_ROWS
    monkeypatch.setattr(scores, "MANY_ROWS", 1)
    write(store, ROWS)
    operation, by_files = scored(store)
    assert operation == BY_FILES
    assert same(by_files, by_rows)


def test_plays_that_do_not_lie_in_order_are_shuffled(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "MANY_ROWS", 1)
    write(store, ROWS[::-1])
    operation, found = scored(store)
    assert operation == BY_ROWS
    write(store, ROWS)
    operation, in_order = scored(store)
    assert operation == BY_FILES
    assert same(found, in_order)
    committed = {Path(file).name for file in store.read("scores").inputFiles()}
    lying = {file.name for file in Path(store.path("scores"), f"dt={DAY}").glob("part-*")}
    assert committed <= lying
    assert len(lying) == 2  # that of each commit: what was given up is gone
