"""A night reads what it needs: after a month of history as few partitions and files as after days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY, Event, feed_row, write_slot
from tests.lake.test_store import frame_of
from tests.pipeline.building import FakeRegistry
from uae_model.config import load_config
from uae_model.lake import TableStore, read_table
from uae_model.pipeline.nightly import run_night
from uae_model.pipeline.steps import scores
from uae_model.pipeline.steps.publication import published_row

DAYS = [DAY + timedelta(days=offset) for offset in range(32)]
THIRD, THIRTIETH = DAYS[2], DAYS[29]
BROUGHT = {day + timedelta(days=offset) for day in (THIRD, THIRTIETH) for offset in (0, 1)}
"""Days whose events the slots of the nights bring: no row of theirs is there to be outranked."""

WEIGHT = 0.5
PATHS_SHOWN = "spark.sql.maxMetadataValueLength"
SETTINGS = """
paths.hmac_key_file = "hmac.key"
feed.format = "jsonl"
feed.late_days = 0
"""

NEIGHBOUR = {
    **{"plays": 3, "sessions": 3, "active": 0, "attention": WEIGHT, "weight": WEIGHT},
    **{"histogram": [], "missing": {}, "unseen": {}},
}
"""What a publication of such a day records of it."""


@dataclass(frozen=True, order=True)
class Scan:
    """What one scan of a table's data read."""

    table: str
    partitions: int
    files: int


class Scans:
    """The scans of Delta tables in the queries that ran since this was made, from their metrics."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self._bus = spark.sparkContext._jsc.sc().listenerBus()
        self._statuses = spark._jsparkSession.sharedState().statusStore()
        self._root = root
        self._known = set(self._executions())

    def found(self) -> list[Scan]:
        scans = []
        for execution in sorted(set(self._executions()) - self._known):
            values = self._statuses.executionMetrics(execution)
            for node in _each(self._statuses.planGraph(execution).allNodes()):
                table = self._table_of(node)
                if table is None:
                    continue
                metrics = {metric.name(): metric.accumulatorId() for metric in _each(node.metrics())}
                read = [values.get(metrics[f"number of {what} read"]) for what in ("partitions", "files")]
                # A scan whose stage a query never ran, like the second of two equal ones, read nothing.
                if all(value.isDefined() for value in read):
                    scans.append(Scan(table, *(int(value.get().replace(",", "")) for value in read)))
        return sorted(scans)

    def _executions(self) -> list[int]:
        self._bus.waitUntilEmpty()
        return [each.executionId() for each in _each(self._statuses.executionsList())]

    def _table_of(self, node: Any) -> str | None:
        """Return the table whose data a node of a plan scans; a table's log is no data."""
        if not node.name().startswith("Scan parquet"):
            return None
        _, found, rest = node.desc().partition(f"file:{self._root}/")
        table = rest.partition("]")[0].partition(",")[0]
        return table if found and "/" not in table else None


def _each(sequence: Any) -> list[Any]:
    return [sequence.apply(index) for index in range(sequence.size())]


def events_of(day: date) -> list[Event]:
    return [
        Event(f"{day}-{hour}", datetime.combine(day, time(hour), UTC), user_id=f"u{hour}")
        for hour in (9, 12, 15)
    ]


def publication_of(day: date) -> dict[str, Any]:
    plain = {"table_name": "weights", "status": "published", "checks": ["ok"]}
    return {**plain, "mean_passive_weight": WEIGHT, "dt": day}


@pytest.fixture(scope="module")
def history(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TableStore]:
    """Return a store with a month of every table; a constant stands in for the networks."""
    folder = tmp_path_factory.mktemp("pruning")
    (folder / "hmac.key").write_text("k" * 32)
    (folder / "uae.toml").write_text(SETTINGS)
    store = TableStore(spark, load_config(folder / "uae.toml"))
    rows = [
        {
            **{"event_id": item.event_id, "user_id": item.user_id, "session_id": item.event_id},
            **{"played_at": item.played_at, "session_started_at": item.played_at, "dt": day},
            **{"feedback": "auto_play", "sample_weight": WEIGHT, "is_active": False},
        }
        for day in DAYS
        for item in events_of(day)
    ]
    published = [publication_of(day) for day in DAYS]
    for name in ("events", "plays", "scores", "weights", "publications"):
        store.ensure(name)
        kept = [row for row in rows if not (name == "events" and row["dt"] in BROUGHT)]
        frame = frame_of(store, name, published if name == "publications" else kept)
        frame.coalesce(1).write.format("delta").mode("append").save(store.path(name))
    # The day that each night is compared with has a commit of its own, as every day has.
    for day in (THIRD, THIRTIETH):
        compared = day - timedelta(days=2)
        row = frame_of(store, "publications", [publication_of(compared)])
        store.replace_day(
            "publications", compared, row, {"models": [1, 1], "counts": {"neighbour": NEIGHBOUR}}
        )
    for day in DAYS:
        write_slot(folder / "feed", day, [feed_row(item) for item in events_of(day)])

    def scored(plays: DataFrame, *_: Any, **_options: Any) -> DataFrame:
        for column in ("attention", "propensity", "sample_weight"):
            plays = plays.withColumn(column, F.lit(WEIGHT))
        return plays.withColumn("weighting", F.lit("linear(smoothed)"))

    with pytest.MonkeyPatch.context() as patch:
        # Scoring without networks reads the plays as ever.
        patch.setattr(scores, "score_plays", scored)
        patch.setattr(scores, "serialise", lambda state: b"")
        # Otherwise Spark shortens a table's path in the plan, and it could not be told which it is.
        spark.conf.set(PATHS_SHOWN, "1000")
        yield store
        spark.conf.unset(PATHS_SHOWN)


def test_scans_are_counted(spark: SparkSession, history: TableStore) -> None:
    root = history.config.paths.tables
    for days, read in ((None, len(DAYS)), (DAYS[:2], 2)):
        scans = Scans(spark, root)
        read_table(spark, root, "plays", days).select("event_id").collect()
        assert scans.found() == [Scan("plays", read, read)]


@pytest.mark.slow
def test_a_night_does_not_read_history_it_does_not_need(spark: SparkSession, history: TableStore) -> None:
    registry: Any = FakeRegistry()
    found = {}
    for day in (THIRD, THIRTIETH):
        scans = Scans(spark, history.config.paths.tables)
        assert run_night(history, registry, day)["plays"] == 3
        found[day] = scans.found()
        # The day was compared with an earlier one, whose figures are in the memory.
        assert any("of the last days: ok" in check for check in published_row(history, day)["checks"])
    assert {scan.table for scan in found[THIRD]} >= {"events", "plays", "scores", "publications"}
    assert found[THIRTIETH] == found[THIRD]
