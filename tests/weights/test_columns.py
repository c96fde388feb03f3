"""From attention to weights, and what readers of the published weights see."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY
from tests.lake.test_store import frame_of, with_features
from uae_model.config import Config, load_config
from uae_model.core.errors import ContractError, InputError
from uae_model.lake import TableStore
from uae_model.readers.spark import read_weights
from uae_model.weights.columns import passive_weight, sample_weight, shifted_attention
from uae_model.weights.functions import WeightFunction, passive_weights, shifted

NEXT = DAY + timedelta(days=1)


FUNCTIONS = {
    "linear": WeightFunction("prediction", "linear", shift=0.7),
    "power": WeightFunction("prediction", "power", gamma=15.0),
    "scaled": WeightFunction("prediction", "scaled", factor=3.3, mean=0.4),
    "constant": WeightFunction("prediction", "constant", mean=0.3),
}


class TestFormula:
    @pytest.fixture(scope="class")
    @staticmethod
    def rows(spark: SparkSession) -> list[Any]:
        frame = spark.createDataFrame(
            [(step / 20, step % 2 == 0) for step in range(21)], "attention double, e boolean"
        )
        attention, active = frame["attention"], frame["e"]
        settings = {
            f"w{gamma:g}": WeightFunction("prediction", "power", gamma=gamma) for gamma in (0.5, 5, 15, 25)
        }
        functions = settings | FUNCTIONS
        columns = [passive_weight(attention, function).alias(name) for name, function in functions.items()]
        moved = shifted_attention(attention, FUNCTIONS["linear"]).alias("moved")
        both = sample_weight(attention, active, settings["w15"]).alias("sample_weight")
        return frame.select("attention", "e", both, moved, *columns).collect()

    @pytest.mark.parametrize("gamma", [0.5, 5, 15, 25])
    def test_the_weight_of_a_passive_play_is_equation_19(self, rows: list[Any], gamma: float) -> None:
        for row in rows:
            assert row[f"w{gamma:g}"] == pytest.approx(1 - (row["attention"] + 1) ** -gamma, abs=1e-15)

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_arrays_have_the_same_weights(self, rows: list[Any], name: str) -> None:
        attention = np.array([row["attention"] for row in rows])
        weights = passive_weights(attention, FUNCTIONS[name])
        np.testing.assert_allclose([row[name] for row in rows], weights, rtol=0, atol=1e-15)

    def test_arrays_are_shifted_alike(self, rows: list[Any]) -> None:
        attention = np.array([row["attention"] for row in rows])
        np.testing.assert_allclose(
            [row["moved"] for row in rows], shifted(attention, 0.7), rtol=0, atol=1e-15
        )
        assert [rows[0]["moved"], rows[-1]["moved"]] == [0.0, 1.0]

    def test_it_lies_below_one_and_grows_with_attention(self, rows: list[Any]) -> None:
        weights = [row["w15"] for row in rows]
        assert weights[0] == 0.0
        assert weights == sorted(set(weights))
        assert weights[-1] == pytest.approx(1 - 2**-15)
        assert weights[-1] < 1

    def test_an_active_play_weighs_one(self, rows: list[Any]) -> None:
        assert {row["sample_weight"] for row in rows if row["e"]} == {1.0}
        assert all(row["sample_weight"] == row["w15"] for row in rows if not row["e"])


class TestReading:
    """Two published days, one of them scored again since, and one that was never published."""

    @pytest.fixture(scope="class")
    @staticmethod
    def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
        folder = tmp_path_factory.mktemp("weights")
        (folder / "uae.toml").touch()
        config = load_config(folder / "uae.toml")
        publish(TableStore(spark, config), DAY, write(TableStore(spark, config), DAY, [0.1, 0.2]))
        # From the second day on there is one feature more.
        wider = TableStore(spark, more_features(config))
        publish(wider, NEXT, write(wider, NEXT, [0.3], tempo=120.0))
        write(wider, DAY, [0.9, 0.9, 0.9])
        write(wider, NEXT + timedelta(days=1), [0.8])
        publish(wider, NEXT + timedelta(days=2), 0, status="withdrawn")
        return config.paths.tables

    def seen(self, spark: SparkSession, tables: str, *days: date | str) -> list[float]:
        return sorted(row["sample_weight"] for row in read_weights(spark, tables, *days).collect())

    def test_a_day_is_read_at_the_version_that_was_published(self, spark: SparkSession, tables: str) -> None:
        assert self.seen(spark, tables, DAY) == [0.1, 0.2]
        assert self.seen(spark, tables, "2026-01-06") == [0.3]

    def test_days_with_and_without_a_feature_are_read_together(
        self, spark: SparkSession, tables: str
    ) -> None:
        rows = read_weights(spark, tables + "/", DAY, "2026-01-06").orderBy("sample_weight").collect()
        assert [row["sample_weight"] for row in rows] == [0.1, 0.2, 0.3]
        assert [row["dt"] for row in rows] == [DAY, DAY, NEXT]
        assert [row["tempo"] for row in rows] == [None, None, 120.0]

    @pytest.mark.parametrize("last", ["2026-01-07", "2026-01-08"])
    def test_a_day_that_is_not_published_is_named(self, spark: SparkSession, tables: str, last: str) -> None:
        with pytest.raises(InputError, match=f"not published: .*{last}.* run uae nightly or uae backfill"):
            read_weights(spark, tables, DAY, last)

    def test_where_nothing_was_ever_published(self, spark: SparkSession, config: Config) -> None:
        with pytest.raises(ContractError, match=r"there is no Delta table at .*/publications; no table"):
            read_weights(spark, config.paths.tables, DAY)


def more_features(config: Config) -> Config:
    declared = [feature.model_dump() for feature in config.features]
    return with_features(config, [*declared, {"name": "tempo", "kind": "numeric", "role": "context"}])


def write(store: TableStore, day: date, weights: list[float], **fields: Any) -> int:
    rows = [
        {"position": position, "sample_weight": weight, "dt": day, **fields}
        for position, weight in enumerate(weights, start=1)
    ]
    store.replace_day("weights", day, frame_of(store, "weights", rows), {})
    return store.latest_version("weights")


def publish(store: TableStore, day: date, version: int, status: str = "published") -> None:
    row = {"table_name": "weights", "delta_version": version, "status": status, "dt": day, "checks": ["ok"]}
    store.replace_day("publications", day, frame_of(store, "publications", [row]), {})
