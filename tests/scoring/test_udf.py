"""Scoring with Spark gives what plain torch gives on the whole, however the plays are cut up."""

from __future__ import annotations

import importlib
import sys
import zipfile
import zipimport
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY
from tests.features.test_columns import categorical, declared
from tests.sessions.test_positions import positions_of
from tests.training_builders import encode_plays, pair_for, play_rows, plays_frame
from uae_model.config import Config, load_config
from uae_model.config.model_sections import ScoringSettings
from uae_model.models.pair import NetworkPair
from uae_model.scoring import udf as scoring
from uae_model.scoring.udf import COLUMNS, score_plays, serialise, whole_sessions
from uae_model.weights.functions import WeightFunction

CONFIG = load_config(None)
# play_rows makes sessions of two plays at least.
ROWS = sorted(
    [*play_rows(DAY, 30), *play_rows(DAY, 6, longest=1, tag="single "), *play_rows(DAY, 1, tag="last ")],
    key=lambda row: (row["session_id"], row["position"]),
)
LONG = next(row["session_id"] for row in ROWS if row["position"] == 4)
GAMMA = 15.0
WEIGHTING = WeightFunction("prediction", "power", gamma=GAMMA)

Score = Callable[..., DataFrame]


@pytest.fixture(scope="module")
def pair() -> NetworkPair:
    return pair_for(CONFIG)


@pytest.fixture
def score(spark: SparkSession, pair: NetworkPair) -> Iterator[Score]:
    """Return a function that scores plays with a pair under some scoring settings."""
    broadcasts = []

    def run(
        plays: DataFrame, *, count: int, by: NetworkPair = pair, config: Config = CONFIG, **changes: int
    ) -> DataFrame:
        broadcasts.append(spark.sparkContext.broadcast(serialise(by.to_state())))
        changed = config.model_copy(update={"scoring": ScoringSettings(**changes)})
        return score_plays(plays, broadcasts[-1], WEIGHTING, changed, count)

    yield run
    for broadcast in broadcasts:
        broadcast.destroy()


def in_order(frame: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict() for row in frame.orderBy("session_id", "position").collect()]


def numbers(rows: list[dict[str, Any]], name: str) -> np.ndarray[Any, Any]:
    return np.array([row[name] for row in rows], dtype=np.float64)


class TestScorePlays:
    @pytest.mark.parametrize(
        ("batch_plays", "rows_per_task", "partitions"),
        [(16_384, 50_000, 1), (1, 50_000, 2), (64, 100, 5), (30, 40, 3)],
    )
    def test_the_numbers_are_those_of_plain_torch(
        self,
        spark: SparkSession,
        pair: NetworkPair,
        score: Score,
        batch_plays: int,
        rows_per_task: int,
        partitions: int,
    ) -> None:
        plays = plays_frame(spark, CONFIG, ROWS).repartition(partitions, "event_id")
        scored = score(plays, count=len(ROWS), batch_plays=batch_plays, rows_per_task=rows_per_task)
        rows = in_order(scored)
        attention, propensity = encode_plays(CONFIG, ROWS).predict(pair)
        np.testing.assert_allclose(numbers(rows, "attention"), attention, rtol=0, atol=1e-6)
        np.testing.assert_allclose(numbers(rows, "propensity"), propensity, rtol=0, atol=1e-6)
        assert min(np.std(attention), np.std(propensity)) > 0.01  # else a constant would do

    def test_the_same_rows_come_out_with_their_weights(self, spark: SparkSession, score: Score) -> None:
        plays = plays_frame(spark, CONFIG, ROWS)
        scored = score(plays, count=len(ROWS), rows_per_task=100)
        assert scored.columns == [*plays.columns, "attention", "propensity", "sample_weight", "weighting"]
        rows = in_order(scored)
        kept = [{name: row[name] for name in plays.columns} for row in rows]
        assert kept == in_order(plays)
        passive = 1 - (numbers(rows, "attention") + 1) ** -GAMMA
        expected = np.where(numbers(rows, "is_active") == 1, 1.0, passive)
        np.testing.assert_allclose(numbers(rows, "sample_weight"), expected, rtol=1e-12)

    def test_sessions_may_be_cut_by_arrow_batches(
        self, spark: SparkSession, pair: NetworkPair, score: Score
    ) -> None:
        setting = "spark.sql.execution.arrow.maxRecordsPerBatch"
        before = spark.conf.get(setting) or ""
        spark.conf.set(setting, "5")
        try:
            rows = in_order(score(plays_frame(spark, CONFIG, ROWS), count=len(ROWS)))
        finally:
            spark.conf.set(setting, before)
        attention, _ = encode_plays(CONFIG, ROWS).predict(pair)
        np.testing.assert_allclose(numbers(rows, "attention"), attention, rtol=0, atol=1e-6)

    def test_the_number_of_tasks_follows_from_the_plays_alone(
        self, spark: SparkSession, score: Score
    ) -> None:
        plays = plays_frame(spark, CONFIG, ROWS[:3]).repartition(4)
        assert score(plays, count=101, rows_per_task=20).rdd.getNumPartitions() == 6
        assert score(plays, count=0, rows_per_task=20).rdd.getNumPartitions() == 1

    def test_tasks_without_plays_give_none(self, spark: SparkSession, score: Score) -> None:
        one = [row for row in ROWS if row["session_id"] == ROWS[0]["session_id"]]
        plays = plays_frame(spark, CONFIG, one)
        assert score(plays, count=len(one), rows_per_task=1).count() == len(one)
        nothing = score(plays.where("false"), count=0)
        assert nothing.collect() == []
        assert nothing.columns[-4:] == ["attention", "propensity", "sample_weight", "weighting"]

    def test_a_worker_never_mixes_up_two_pairs(
        self, spark: SparkSession, pair: NetworkPair, score: Score
    ) -> None:
        other = pair_for(CONFIG, seed=1)
        plays = plays_frame(spark, CONFIG, ROWS).persist()
        for by in (pair, other, pair):
            attention, _ = encode_plays(CONFIG, ROWS).predict(by)
            scored_attention = numbers(in_order(score(plays, count=len(ROWS), by=by)), "attention")
            np.testing.assert_allclose(scored_attention, attention, rtol=0, atol=1e-6)
        plays.unpersist()

    def test_a_declaration_without_numbers_can_be_scored(self, spark: SparkSession, score: Score) -> None:
        config = declared(categorical("genre", 7), categorical("listener", 50, "event.user_id"))
        pair = pair_for(config)
        rows = in_order(score(plays_frame(spark, CONFIG, ROWS), count=len(ROWS), by=pair, config=config))
        attention, _ = encode_plays(config, ROWS).predict(pair)
        np.testing.assert_allclose(numbers(rows, "attention"), attention, rtol=0, atol=1e-6)

    @pytest.mark.parametrize("broken", ["position = 2", "position = 1", "a play is doubled"])
    def test_sessions_with_a_gap_are_refused(self, spark: SparkSession, score: Score, broken: str) -> None:
        plays = plays_frame(spark, CONFIG, ROWS)
        chosen = F.col("session_id") == LONG
        if broken == "a play is doubled":
            damaged = plays.union(plays.where(chosen & (F.col("position") == 1)))
        else:
            damaged = plays.where(~(chosen & F.expr(broken)))
        with pytest.raises(PySparkException, match="the positions of a session are not 1, 2, 3"):
            score(damaged, count=len(ROWS)).collect()


class TestInsideAWorker:
    """The function that Spark sends to its workers, called here."""

    @pytest.fixture(autouse=True)
    def _fresh_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scoring, "LOADED_NETWORKS", {})

    @pytest.mark.parametrize(("rows_of_batch", "chunk"), [(1, 1), (7, 30), (1000, 30), (1000, 65_536)])
    def test_any_cut_gives_the_numbers_of_plain_torch(
        self, pair: NetworkPair, monkeypatch: pytest.MonkeyPatch, rows_of_batch: int, chunk: int
    ) -> None:
        threads: list[int] = []
        monkeypatch.setattr(torch, "set_num_threads", threads.append)
        monkeypatch.setattr(scoring, "CHUNK_PLAYS", chunk)
        encoded = encode_plays(CONFIG, ROWS)
        plays = pd.DataFrame(
            {
                "position": np.array([row["position"] for row in ROWS], np.int32),
                "session": pd.factorize(np.array([row["session_id"] for row in ROWS]))[0],
                "e": encoded.feedback,
                **{f"b{n}": column for n, column in enumerate(encoded.categorical.T)},
                **{f"n{n}": column for n, column in enumerate(encoded.numeric.T)},
            }
        )
        cuts = range(0, len(plays), rows_of_batch)
        batches = (tuple(plays[cut : cut + rows_of_batch].items()) for cut in cuts)
        networks: Any = SimpleNamespace(value=serialise(pair.to_state()))
        score = scoring.scorer(networks, encoded.categorical.shape[1], batch_plays=64, kind="prediction")
        scores = pd.concat(score(tuple(values for _, values in batch) for batch in batches))
        assert scores.columns.tolist() == ["attention", "propensity"]
        attention, propensity = encoded.predict(pair)
        np.testing.assert_allclose(scores["attention"], attention, rtol=0, atol=1e-6)
        np.testing.assert_allclose(scores["propensity"], propensity, rtol=0, atol=1e-6)
        assert threads == [1]  # Spark runs one task a core

    def broadcasts(self, *pairs: NetworkPair) -> list[Any]:
        return [SimpleNamespace(value=serialise(pair.to_state())) for pair in pairs]

    def test_networks_are_loaded_once_a_worker(
        self, pair: NetworkPair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
        first, again, second = self.broadcasts(pair, pair, pair_for(CONFIG, 1))
        loaded: Any = scoring.load_networks(first)
        assert scoring.load_networks(again) is loaded
        assert scoring.load_networks(second) is not loaded
        assert len(scoring.LOADED_NETWORKS) == 1


def test_finders_of_zip_files_are_forgotten_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped_first.py", "")
        file.writestr("zipped_second.py", "")
    monkeypatch.syspath_prepend(str(archive))
    importlib.import_module("zipped_first")
    others = set(sys.path_importer_cache) - {str(archive)}
    assert isinstance(sys.path_importer_cache[str(archive)], zipimport.zipimporter)
    scoring.forget_zip_files()
    assert str(archive) not in sys.path_importer_cache
    kept = {place for place in others if not place.endswith(".zip")}
    assert kept <= set(sys.path_importer_cache)
    importlib.import_module("zipped_second")


class TestWholeSessions:
    CHUNK = 20

    @pytest.fixture(autouse=True, scope="class")
    @staticmethod
    def _small_chunks() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scoring, "CHUNK_PLAYS", TestWholeSessions.CHUNK)
            yield

    @settings(max_examples=200, derandomize=True)
    @given(
        st.lists(st.integers(1, 9) | st.integers(25, 60), min_size=1, max_size=30),
        st.lists(st.integers(0, 12), min_size=1, max_size=20).filter(any),
    )
    def test_whole_sessions_come_in_order(self, lengths: list[int], sizes: list[int]) -> None:
        plays = positions_of(lengths), np.arange(sum(lengths))
        chunks = list(whole_sessions(cut(plays, sizes), COLUMNS))
        for whole, parts in zip(plays, zip(*chunks, strict=True), strict=True):
            np.testing.assert_array_equal(np.concatenate(parts), whole)
        longest, largest = max(lengths), max(sizes)
        for position, _ in chunks:
            assert position[0] == 1
            assert 0 < len(position) <= max(self.CHUNK, longest) + largest
        for position, _ in chunks[:-1]:
            assert len(position) + longest >= self.CHUNK

    def test_nothing_gives_nothing(self) -> None:
        assert list(whole_sessions([], COLUMNS)) == []
        empty = (np.empty(0, np.int32),)
        assert list(whole_sessions([empty, empty], COLUMNS)) == []


def cut(plays: scoring.Columns, sizes: list[int]) -> Iterator[scoring.Columns]:
    """Yield batches of these sizes in turn, some of them empty, until the plays are used up."""
    start, turn = 0, 0
    while start < len(plays[0]):
        size = sizes[turn % len(sizes)]
        yield tuple(column[start : start + size] for column in plays)
        start, turn = start + size, turn + 1
