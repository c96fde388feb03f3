"""Steps as tests run them: single days, single slots, and what a night would reopen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

from pyspark.sql import Row

from uae_model.core.errors import ModelError
from uae_model.ingest.accounting import IngestCounts
from uae_model.ingest.feed import Feed
from uae_model.ingest.keys import read_key
from uae_model.ingest.sealing import opened
from uae_model.lake import DayState, DayStates, TableStore, Unit
from uae_model.lake.day_state import ACCEPTED
from uae_model.models.pair import Traits
from uae_model.pipeline.nightly import ingested, ingested_statements, play_counts
from uae_model.pipeline.plan import plan
from uae_model.pipeline.runner import build, run_steps
from uae_model.pipeline.step import Night, Step
from uae_model.pipeline.steps import FEATURE_STEPS, PLAYS
from uae_model.pipeline.steps.dimensions import dimension_steps
from uae_model.pipeline.steps.feed import SLOTS


def ingest(store: TableStore, feed: Feed, *days: date) -> IngestCounts:
    """Ingest the slots of some days, each day's in turn, whether complete or not."""
    slots = [slot for day in days for slot in feed.slots(day)]
    night = Night(store, days[0], days[0], slots=slots, reopens=False)
    return ingested(run_steps(night, [SLOTS]))


def ingest_dimensions(store: TableStore, first: date, last: date) -> dict[str, dict[str, int]]:
    """Ingest the slots of the dimensions that days may read."""
    results = run_steps(Night(store, first, last), dimension_steps(store.config))
    return ingested_statements(results, store.config)


def opened_quarantine(store: TableStore) -> list[Row]:
    """Return the rows in quarantine, opened with the key, by day, slot and reason."""
    key = read_key(store.config)
    rows = store.read("quarantine").orderBy("dt", "slot", "reason").collect()
    texts = [{name: opened(row[name], key) for name in ("raw", "value")} for row in rows]
    return [Row(**{**row.asDict(), **text}) for row, text in zip(rows, texts, strict=True)]


def build_plays(store: TableStore, day: date) -> dict[str, Any]:
    """Build a day of plays; return its counts."""
    return {name: value for name, value in play_counts(build(store, PLAYS, day)).items() if name != "dt"}


def build_features(store: TableStore, *days: date) -> int:
    """Build days of features and the partials they need; return how many days of partials were built."""
    results = [run_steps(Night(store, day, day, reopens=False), FEATURE_STEPS) for day in days]
    return sum(bool(partial.reason) for result in results for partial in result.get("feature_partials", []))


def reopened(store: TableStore, steps: Sequence[Step], day: date) -> list[date]:
    """Return the days before ``day`` whose units, of the last of these steps, a night would build."""
    planned = [item for item in plan(Night(store, day, day), steps) if item.reason.action == "build"]
    table = steps[-1].table
    return [each.unit.day for each in planned if each.unit.table == table and each.unit.day < day]


MODELS: Any = SimpleNamespace(
    attention_version=1,
    propensity_version=1,
    state={"calibration": {}},
    traits=Traits(),
    weight_choice=None,
    digest="d" * 64,
)
"""The pair of ``FakeRegistry``, for nights in which something else stands in for the networks."""


class FakeRegistry:
    """One pair of models, or a registry that lost it."""

    uri = "sqlite:///models.db"
    follows_lost = False

    def __init__(self, *, is_lost: bool = False) -> None:
        self.is_lost = is_lost

    def champion_versions(self) -> tuple[int, int]:
        return 1, 1

    def champion(self) -> Any:
        return MODELS

    def version(self, number: int) -> SimpleNamespace:
        if self.is_lost:
            raise ModelError("there is none")
        return SimpleNamespace(tags={"artifact_digest": MODELS.digest})

    def recorded(self, number: int) -> dict[str, str]:
        return dict(self.version(number).tags)


class MemoryOnly(DayStates):
    """States that no table keeps: what is recorded is all there is."""

    def __init__(self, *states: DayState) -> None:
        super().__init__(cast(TableStore, None))
        for state in states:
            self.record(state)

    def flush(self) -> None:
        """Keep nothing."""

    def _follow(self, table: str) -> None:
        pass


def accepted(table: str, day: date, version: int = 1, **fields: Any) -> DayState:
    """Return the state of a day that passed its checks."""
    return DayState(Unit(table, day), version, ACCEPTED, **fields)


def accept(store: TableStore, *tables: str, day: date, **counts: Any) -> None:
    """Accept what a test has written for a day without a step."""
    for table in tables:
        store.states.accept(Unit(table, day), counts)
