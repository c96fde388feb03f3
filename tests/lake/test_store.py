"""Delta tables: what may be written, what a commit says, what a reader sees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from tests.builders import DAY, event, events_frame
from uae_model.config import Config, load_config
from uae_model.core.errors import ContractError
from uae_model.core.logs import configure_logs
from uae_model.lake import TableStore, Unit, read_table
from uae_model.lake.store import conform

NEXT = DAY + timedelta(days=1)

PLAIN: dict[str, Any] = {
    **{"string": "x", "int": 1, "bigint": 1, "double": 0.5, "boolean": False},
    "timestamp": datetime(2026, 1, 5, 8, tzinfo=UTC),
    "date": DAY,
}


def frame_of(store: TableStore, name: str, rows: Sequence[dict[str, Any]]) -> DataFrame:
    """Return rows of a table, with plain values for what they leave out; every column may be NULL."""
    fields = store.contract(name).schema.fields
    data = [
        [row.get(field.name, PLAIN.get(field.dataType.simpleString())) for field in fields] for row in rows
    ]
    schema = ", ".join(f"{field.name} {field.dataType.simpleString()}" for field in fields)
    return store.spark.createDataFrame(data, schema)


def opened(spark: SparkSession, folder: Path, *overrides: str) -> TableStore:
    (folder / "uae.toml").touch()
    return TableStore(spark, load_config(folder / "uae.toml", overrides=overrides))


class TestConstraints:
    """Bad weights never reach the table, whoever writes them."""

    @pytest.fixture(scope="class")
    @staticmethod
    def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TableStore:
        store = opened(spark, tmp_path_factory.mktemp("constraints"))
        good: list[dict[str, Any]] = [
            {"position": 1},
            {"position": 2, "is_active": True, "sample_weight": 1.0},
        ]
        store.replace_day("weights", DAY, frame_of(store, "weights", good), {"step": "test"})
        return store

    def test_the_table_is_partitioned_and_carries_its_properties(self, store: TableStore) -> None:
        detail = DeltaTable.forPath(store.spark, store.path("weights")).detail().collect()[0]
        contract = store.contract("weights")
        assert detail["partitionColumns"] == ["dt"]
        assert contract.properties().items() <= detail["properties"].items()
        assert {f"delta.constraints.{name}" for name in contract.constraints} <= detail["properties"].keys()

    def test_a_changed_retention_holds_for_tables_that_exist(self, store: TableStore) -> None:
        changed = opened(store.spark, Path(store.config.paths.tables).parent, "retention.published_days=91")
        changed.ensure("weights")
        detail = DeltaTable.forPath(store.spark, store.path("weights")).detail().collect()[0]
        assert detail["properties"]["delta.logRetentionDuration"] == "interval 91 days"
        assert changed.contract("weights").properties().items() <= detail["properties"].items()
        version = changed.latest_version("weights")
        opened(store.spark, Path(store.config.paths.tables).parent, "retention.published_days=91").ensure(
            "weights"
        )
        assert changed.latest_version("weights") == version  # said once

    @pytest.mark.parametrize(
        ("bad", "named"),
        [
            ({"sample_weight": 1.01}, "weight_is_share"),
            ({"sample_weight": float("nan")}, "weight_is_share"),
            ({"attention": 1.5}, "attention_is_share"),
            ({"is_active": True, "sample_weight": 0.5}, "active_weighs_one"),
            ({"sample_weight": None}, "sample_weight"),
            ({"session_id": None}, "session_id"),
            ({"dt": NEXT}, "REPLACE_WHERE_MISMATCH"),  # a row of another day than the one that is replaced
        ],
    )
    def test_a_bad_row_is_refused_and_the_table_stays_as_it_was(
        self, store: TableStore, bad: dict[str, Any], named: str
    ) -> None:
        before = store.latest_version("weights")
        with pytest.raises(PySparkException, match=named):
            store.replace_day("weights", DAY, frame_of(store, "weights", [{}, bad]), {"step": "test"})
        assert store.latest_version("weights") == before


class TestDays:
    def write(self, store: TableStore, day: date, rows: int, **metadata: Any) -> None:
        items = [event(f"{day}-{number}", f"{day.day:02d} 10:{number:02d}") for number in range(rows)]
        store.replace_day("events", day, events_frame(store.spark, items, store.config), metadata)

    def counts(self, store: TableStore, version: int | None = None) -> dict[date, int]:
        rows = store.read("events", version=version).groupBy("dt").count().collect()
        return {row["dt"]: row["count"] for row in rows}

    def test_a_day_is_replaced_and_its_neighbours_stay(self, store: TableStore) -> None:
        self.write(store, DAY, 3, inputs="one")
        self.write(store, NEXT, 2, inputs="two")
        pinned = store.latest_version("events")
        self.write(store, DAY, 1, inputs="three")
        assert self.counts(store) == {DAY: 1, NEXT: 2}
        assert self.counts(store, pinned) == {DAY: 3, NEXT: 2}  # readers that pin a version see it still

        # The memory names the version that last changed each day.
        for memory in (store.states, TableStore(store.spark, store.config).states):
            assert [memory.version("events", day) for day in (DAY, NEXT)] == [pinned + 1, pinned]
            assert memory.version("events", NEXT + timedelta(days=1)) is None

        # A day without rows is done as well as any other, and says so.
        self.write(store, DAY, 0, inputs="four")
        self.write(store, NEXT + timedelta(days=1), 0, inputs="none")
        assert self.counts(store) == {NEXT: 2}
        empty = store.states.get(Unit("events", NEXT + timedelta(days=1)))
        assert empty is not None
        assert empty.counts["rows"] == 0

    def test_only_a_part_of_a_day_may_be_replaced(self, store: TableStore) -> None:
        def write(slot: str, rows: list[str]) -> None:
            frame = frame_of(store, "quarantine", [{"slot": slot, "row": row} for row in rows])
            store.replace_day("quarantine", DAY, frame, {}, within={"slot": slot})

        write("it's hour=01", ["a", "b"])
        write("hour=02", ["c"])
        write("it's hour=01", ["d"])
        rows = store.read("quarantine", [DAY]).select("slot", "row").collect()
        assert sorted(map(tuple, rows)) == [("hour=02", "c"), ("it's hour=01", "d")]

    def test_a_merge_inserts_what_is_new_and_updates_what_is_better(self, store: TableStore) -> None:
        def merge(days: list[date], *items: Any) -> dict[str, int]:
            frame = events_frame(store.spark, items, store.config)
            return store.merge_new("events", frame, days, "new.played_ms > old.played_ms", {"n": len(items)})

        first = [event("a", "10:00", played_ms=5), event("b", "06 10:00", played_ms=5)]
        assert merge([DAY, NEXT], *first) == {"inserted": 2, "updated": 0}
        second = [event("a", "10:00", played_ms=9), event("b", "06 10:00", played_ms=1), event("c", "10:00")]
        assert merge([DAY, NEXT], *second) == {"inserted": 1, "updated": 1}
        rows = {row["event_id"]: row["played_ms"] for row in store.read("events").collect()}
        assert rows == {"a": 9, "b": 5, "c": 180_000}
        assert merge([]) == {"inserted": 0, "updated": 0}
        # A commit that changed nothing is no change of a day.
        assert store.states.version("events", DAY) == store.latest_version("events") - 1

    def test_the_settings_of_a_commit_do_not_stay_in_the_session(self, store: TableStore) -> None:
        elsewhere = events_frame(store.spark, [event("a", "06 10:00")], store.config)
        with pytest.raises(PySparkException, match="REPLACE_WHERE_MISMATCH"):
            store.replace_day("events", DAY, elsewhere, {"n": 1})
        assert store.spark.conf.get("spark.databricks.delta.commitInfo.userMetadata", "none") == "none"

    def test_a_new_feature_becomes_a_column_and_a_changed_one_an_error(self, store: TableStore) -> None:
        self.write(store, DAY, 1)
        tempo = {"name": "tempo", "kind": "numeric", "role": "context"}
        declared = [feature.model_dump() for feature in store.config.features]
        wider = TableStore(store.spark, with_features(store.config, [*declared, tempo]))
        wider.ensure("events")
        assert wider.read("events").select("tempo").collect()[0]["tempo"] is None
        other = TableStore(
            store.spark, with_features(store.config, [*declared, {**tempo, "kind": "categorical"}])
        )
        with pytest.raises(
            ContractError, match=r"table events, column tempo: is double, the configuration wants string"
        ):
            other.ensure("events")

    def test_a_column_added_by_hand_stops_nobody_and_is_told(
        self, store: TableStore, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.write(store, DAY, 1)
        store.spark.sql(f"ALTER TABLE delta.`{store.path('events')}` ADD COLUMNS (mood STRING)")
        configure_logs()
        again = TableStore(store.spark, store.config)
        again.merge_new("events", again.read("events"), [DAY], "true", {})
        self.write(again, DAY, 2)
        assert again.read("events").columns == store.contract("events").columns
        warnings = [json.loads(line) for line in capsys.readouterr().err.splitlines() if "mood" in line]
        (told,) = warnings  # once a run
        assert (told["level"], told["table"], told["column"]) == ("warning", "events", "mood")
        assert told["remedy"].startswith("leave it, it does no harm; or declare it as a feature")


def with_features(config: Config, features: list[dict[str, Any]]) -> Config:
    return Config.model_validate({**config.model_dump(), "features": features})


def test_a_table_that_is_not_there_is_named(store: TableStore, spark: SparkSession) -> None:
    assert not store.exists("plays")
    with pytest.raises(ContractError, match=r"table plays does not exist at .*/tables/plays; run the step"):
        store.read("plays")
    with pytest.raises(ContractError, match="table weights does not exist at"):
        read_table(spark, store.config.paths.tables + "/", "weights")
    assert store.states.of_table("plays") == []
    assert store.states.version("plays", DAY) is None


def test_missing_and_unknown_columns_are_named(store: TableStore) -> None:
    frame = frame_of(store, "plays", []).drop("label", "position").selectExpr("*", "1 as mood")
    with pytest.raises(
        ContractError, match=r"missing columns \['position', 'label'\], unknown columns \['mood'\]"
    ):
        conform(frame, store.contract("plays"))


def test_columns_are_put_in_the_order_and_type_of_the_contract(store: TableStore) -> None:
    contract = store.contract("truth")
    turned = frame_of(store, "truth", [{}]).select(*contract.columns[::-1])
    turned = turned.withColumn("relevance", turned["relevance"].cast("bigint"))
    conformed = conform(turned, contract)
    assert conformed.columns == contract.columns
    assert conformed.schema["relevance"].dataType.simpleString() == "int"


def test_rows_without_a_day_are_changed_and_taken_out_in_one_commit(
    spark: SparkSession, tmp_path: Path
) -> None:
    store = opened(spark, tmp_path)
    early, late = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 5))
    start = [{"song_id": "a", "valid_from": early, "valid_to": None}, {"song_id": "b", "valid_from": early}]

    def rows(*changes: dict[str, Any]) -> DataFrame:
        plain = [{"valid_to": None, "restated_at": [], **change} for change in changes]
        marked = [(change["song_id"], change["valid_from"], change.get("removed", False)) for change in plain]
        marks = spark.createDataFrame(marked, "song_id string, valid_from timestamp, removed boolean")
        return frame_of(store, "songs", plain).join(marks, ["song_id", "valid_from"])

    first = store.merge_changes("songs", rows(*start), {"slot": "first"})
    assert first == {"inserted": 2, "updated": 0, "removed": 0}
    version = store.latest_version("songs")
    second = store.merge_changes(
        "songs",
        rows(
            {**start[0], "valid_to": late},
            {"song_id": "a", "valid_from": late},
            {"song_id": "b", "valid_from": early, "removed": True},
            {"song_id": "c", "valid_from": early, "removed": True},  # there is none
        ),
        {"slot": "second"},
    )
    assert second == {"inserted": 1, "updated": 1, "removed": 1}
    assert store.states.version("songs") == version + 1
    found = store.read("songs").orderBy("song_id", "valid_from").collect()
    assert [(row["song_id"], row["valid_to"] is None) for row in found] == [("a", False), ("a", True)]
    detail = DeltaTable.forPath(spark, store.path("songs")).detail().collect()[0]
    assert detail["partitionColumns"] == []
    with pytest.raises(Py4JJavaError, match="valid_for_a_time"):  # as Delta's merge raises it
        store.merge_changes("songs", rows({**start[0], "valid_to": early}), {"slot": "third"})
    with pytest.raises(ContractError, match="unknown columns"):
        store.merge_changes("songs", rows(start[0]).withColumnRenamed("song_id", "song"), {})
