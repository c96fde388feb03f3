"""Days that are scored and published without networks, and what every reader sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY
from tests.lake.test_store import frame_of
from tests.pipeline.building import FakeRegistry, accept
from uae_model.lake import TableStore, Unit
from uae_model.pipeline.currency import examine
from uae_model.pipeline.runner import build
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps import PUBLICATION, SCORES
from uae_model.pipeline.steps import scores as score
from uae_model.pipeline.steps.publication import published_row
from uae_model.readers import (
    published_days,
    published_files,
    read_weights,
    read_weights_arrow,
    read_weights_pandas,
    read_weights_polars,
    weighted_batches,
)

NEXT = DAY + timedelta(days=1)
SESSIONS = ("s1", "s2", "s3")
CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"


def rows_of(day: date, weights: Sequence[float]) -> list[dict[str, Any]]:
    """Return a day of sessions of one active and one passive play each; ``weights`` are the passive ones'."""
    return [
        {
            **{"session_id": session, "position": position, "is_active": position == 1, "dt": day},
            **{"event_id": f"{day} {session} {position}", "sample_weight": weight if position > 1 else 1.0},
        }
        for session, weight in zip(SESSIONS, weights, strict=True)
        for position in (1, 2)
    ]


def write_scores(store: TableStore, day: date, *weights: float) -> None:
    """Write a day's plays, once, and its scores, in a file a session."""
    if store.states.version("plays", day) is None:
        store.replace_day("plays", day, frame_of(store, "plays", rows_of(day, [0.0] * 3)), {"step": "test"})
        accept(store, "plays", day=day)
    frame = frame_of(store, "scores", rows_of(day, weights)).repartition(3, "session_id")
    unit = {
        "unit": ["scores", day.isoformat(), ""],
        "inputs": SCORES.inputs(night(store, day), Unit("", day)),
    }
    settings = SCORES.settings(store.config)
    store.replace_day("scores", day, frame, {**unit, "settings": settings, "counts": {"models": [1, 1]}})
    accept(store, "scores", day=day)


def night(store: TableStore, day: date, **options: Any) -> Night:
    registry: Any = FakeRegistry()
    return Night(store, day, day, registry, **options)


def publish(store: TableStore, day: date) -> int:
    build(store, PUBLICATION, day)
    return int(published_row(store, day)["delta_version"])


def stale(store: TableStore, day: date, step: Any = PUBLICATION) -> str | None:
    reason = examine(night(store, day), step, Unit(step.table, day))
    return reason.text if reason else None


def maintain(store: TableStore, *names: str) -> None:
    """Do what anyone may do: write small files together and remove all that the newest version lacks."""
    store.spark.conf.set(CHECK, "false")
    for name in names or ("plays", "scores", "weights", "publications"):
        table = DeltaTable.forPath(store.spark, store.path(name))
        table.optimize().executeCompaction()
        table.vacuum(0)
    store.spark.conf.unset(CHECK)


def seen_by_all(store: TableStore, day: date, last: date | None = None) -> set[float]:
    """Return the passive weights that readers see; all of them see the same."""
    tables = store.config.paths.tables
    arrow = read_weights_arrow(tables, day, last)
    seen = [
        sorted(row["sample_weight"] for row in read_weights(store.spark, tables, day, last).collect()),
        sorted(arrow["sample_weight"].to_pylist()),
        sorted(read_weights_pandas(tables, day, last)["sample_weight"]),
        sorted(read_weights_polars(tables, day, last)["sample_weight"]),
    ]
    files = published_files(tables, published_days(tables, day, last))
    seen.append(
        sorted(weight for file in files for weight in pq.read_table(file)["sample_weight"].to_pylist())
    )
    batches = weighted_batches(tables, day, last, features=store.config.features)
    seen.append(sorted(weight for batch in batches for weight in batch.sample_weight_B.double().tolist()))
    for other in seen[1:]:
        assert other == pytest.approx(seen[0])
    return {weight for weight in seen[0] if weight < 1}


def opened(store: TableStore) -> TableStore:
    """Return the store as another process opens it."""
    return TableStore(store.spark, store.config)


def score_by_a_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a constant stand in for the networks."""

    def scored(plays: DataFrame, *_: Any, **_options: Any) -> DataFrame:
        for column in ("attention", "propensity"):
            plays = plays.withColumn(column, F.lit(0.5))
        weight = F.when(F.col("is_active"), 1.0).otherwise(0.25)
        return plays.withColumn("sample_weight", weight).withColumn("weighting", F.lit("constant"))

    monkeypatch.setattr(score, "score_plays", scored)
    monkeypatch.setattr(score, "serialise", lambda state: b"")
