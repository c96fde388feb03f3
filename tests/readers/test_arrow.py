"""Reading the published weights: every way sees the same rows, at the version that was checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from tests.builders import DAY, GATHERED_WRITES
from tests.lake.test_store import frame_of
from tests.training_builders import play_rows
from uae_model import readers
from uae_model.config import Config, load_config
from uae_model.core.errors import ContractError, InputError
from uae_model.features.columns import categorical_buckets, numeric_values
from uae_model.lake import TableStore
from uae_model.readers import arrow as arrow_reader
from uae_model.readers import torch as torch_reader
from uae_model.readers.arrow import published_days, published_files, read_weights_arrow
from uae_model.readers.spark import read_weights
from uae_model.readers.torch import (
    WeightedBatch,
    share_of,
    weighted_batches,
    weighted_binary_cross_entropy,
)

NEWER = "genre_affinity"
"""The feature that the first day does not have yet."""

SECOND, WITHDRAWN = DAY + timedelta(days=1), DAY + timedelta(days=2)


def weight_rows(day: date, sessions: int) -> list[dict[str, Any]]:
    """Return plays with weights; no other play has the same ``gap_seconds``."""
    rows = play_rows(day, sessions)
    for number, row in enumerate(rows, start=1):
        row["gap_seconds"] = float(1000 * day.day + number)
        row["sample_weight"] = 1.0 if row["is_active"] else number / 4096
    return rows


FIRST_ROWS, SECOND_ROWS = weight_rows(DAY, 24), weight_rows(SECOND, 20)
BOTH = len(FIRST_ROWS) + len(SECOND_ROWS)


def write(store: TableStore, day: date, rows: Sequence[dict[str, Any]]) -> int:
    """Write a day of weights as three files; return its Delta version."""
    frame = frame_of(store, "weights", rows).repartition(3, "session_id")
    store.replace_day("weights", day, frame, {"step": "test"})
    return store.latest_version("weights")


def publish(store: TableStore, day: date, version: int, rows: int, status: str = "published") -> None:
    """Write the day's row of publications, and one of another table."""
    row = {"dt": day, "delta_version": version, "row_count": rows, "checks": ["ok"]}
    entries = [
        {**row, "table_name": "weights", "status": status},
        {**row, "table_name": "other", "status": "published", "row_count": rows + 1},
    ]
    store.replace_day("publications", day, frame_of(store, "publications", entries), {"step": "test"})


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TableStore:
    """Two published days, the second written once more and not published again; one day withdrawn."""
    folder = tmp_path_factory.mktemp("published weights")  # Delta's log holds URLs: a space is %20 there
    (folder / "uae.toml").touch()
    config = load_config(folder / "uae.toml")
    older = config.with_features(feature for feature in config.features if feature.name != NEWER)
    before, store = TableStore(spark, older), TableStore(spark, config)
    publish(before, DAY, write(before, DAY, FIRST_ROWS), len(FIRST_ROWS))
    publish(store, SECOND, write(store, SECOND, SECOND_ROWS), len(SECOND_ROWS))
    rewritten = [{**row, "sample_weight": 1.0 if row["is_active"] else 0.25} for row in SECOND_ROWS[:-1]]
    newer = write(store, SECOND, rewritten)
    publish(store, WITHDRAWN, newer, 1, status="withdrawn")
    return store


@pytest.fixture(scope="module")
def config(store: TableStore) -> Config:
    return store.config


@pytest.fixture(scope="module", autouse=True)
def _several_files(spark: SparkSession) -> Iterator[None]:
    """Leave a day in the files of its tasks, as large days are: readers put them together."""
    spark.conf.set(GATHERED_WRITES, "false")
    yield
    spark.conf.unset(GATHERED_WRITES)


@pytest.fixture(scope="module")
def tables(config: Config) -> str:
    return config.paths.tables


def plays_of(rows: Sequence[dict[str, Any]]) -> set[tuple[str, float]]:
    return {(row["event_id"], row["sample_weight"]) for row in rows}


def batches_of(config: Config, *days: date, **options: Any) -> list[WeightedBatch]:
    options = {"features": config.features, **options}
    return list(weighted_batches(config.paths.tables, *days, **options))


def stacked(batches: Sequence[WeightedBatch]) -> pd.DataFrame:
    """Return all samples as a frame, in their order."""
    return pd.concat(
        pd.DataFrame({**batch.features, "label": batch.label_B, "sample_weight": batch.sample_weight_B})
        for batch in batches
    ).reset_index(drop=True)


def encoded_by_spark(frame: DataFrame, config: Config) -> pd.DataFrame:
    """Return the samples that Spark's columns give, in the order of ``gap_seconds``."""
    numbers = [feature.name for feature in config.features.numeric]
    buckets = [feature.name for feature in config.features.categorical]
    rows = frame.orderBy("gap_seconds").select(
        *[categorical_buckets(config)[index].alias(name) for index, name in enumerate(buckets)],
        *[numeric_values(config)[index].alias(name) for index, name in enumerate(numbers)],
        "label",
        "sample_weight",
    )
    return rows.toPandas()


class TestWithoutSpark:
    def test_a_day_is_pinned_to_the_version_that_was_checked(self, tables: str, store: TableStore) -> None:
        days = published_days(tables, "2026-01-05", "2026-01-06")
        assert [(day.day, day.rows) for day in days] == [(DAY, len(FIRST_ROWS)), (SECOND, len(SECOND_ROWS))]
        assert days[0].delta_version < days[1].delta_version < store.latest_version("weights")
        assert published_days(f"{tables}/", SECOND) == [days[1]]

    def test_the_files_hold_just_the_published_rows(self, tables: str) -> None:
        files = published_files(tables, published_days(tables, SECOND))
        assert len(files) == 3
        assert all(Path(file).parent.name == "dt=2026-01-06" for file in files)
        assert len(list(Path(files[0]).parent.glob("*.parquet"))) > 3  # the folder holds the other try, too
        rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
        assert plays_of(rows) == plays_of(SECOND_ROWS)

    def test_pandas_and_polars_see_the_published_rows(self, tables: str) -> None:
        frame = readers.read_weights_pandas(tables, SECOND)
        assert plays_of(pa.Table.from_pandas(frame).to_pylist()) == plays_of(SECOND_ROWS)
        assert set(frame["dt"]) == {SECOND}
        chosen = readers.read_weights_polars(tables, SECOND, columns=["event_id", "sample_weight"])
        assert chosen.columns == ["event_id", "sample_weight"]
        assert plays_of(chosen.to_dicts()) == plays_of(SECOND_ROWS)

    def test_columns_can_be_chosen(self, tables: str) -> None:
        table = read_weights_arrow(tables, DAY, SECOND, columns=["sample_weight", "dt"])
        assert table.column_names == ["sample_weight", "dt"]
        assert table.num_rows == BOTH

    def test_a_feature_is_missing_on_days_before_it_was_declared(self, tables: str) -> None:
        frame = read_weights_arrow(tables, DAY, SECOND).to_pandas()
        assert frame.loc[frame["dt"] == DAY, NEWER].isna().all()
        assert frame.loc[frame["dt"] == SECOND, NEWER].notna().all()
        assert NEWER not in read_weights_arrow(tables, DAY).column_names

    def test_lost_rows_are_an_error(self, tables: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            arrow_reader, "published_files", lambda *of, **how: published_files(*of, **how)[1:]
        )
        with pytest.raises(ContractError, match=rf"2026-01-05 to 2026-01-06: \d+ rows.*, {BOTH} are"):
            read_weights_arrow(tables, DAY, SECOND)


class TestSpark:
    def test_newer_weights_are_unseen_until_they_are_published(
        self, spark: SparkSession, tables: str, store: TableStore
    ) -> None:
        rows = [row.asDict() for row in read_weights(spark, tables, SECOND).collect()]
        assert plays_of(rows) == plays_of(SECOND_ROWS)
        assert store.read("weights", [SECOND]).count() == len(SECOND_ROWS) - 1

    def test_days_of_two_versions_come_together(self, spark: SparkSession, tables: str) -> None:
        frame = read_weights(spark, tables, "2026-01-05", SECOND)
        rows = [row.asDict() for row in frame.collect()]
        assert plays_of(rows) == plays_of([*FIRST_ROWS, *SECOND_ROWS])
        assert {row["dt"] for row in rows if row[NEWER] is None} == {DAY}

    def test_the_newest_day_and_what_stood_at_a_moment(
        self, spark: SparkSession, tables: str, store: TableStore
    ) -> None:
        assert read_weights(spark, tables, latest=1).count() == len(SECOND_ROWS)
        assert read_weights(spark, tables, latest=9).count() == BOTH
        history = store.spark.sql(f"DESCRIBE HISTORY delta.`{tables}/publications`")
        committed = sorted(row["timestamp"] for row in history.collect() if row["operation"] == "WRITE")
        then = committed[0].astimezone(UTC)
        assert read_weights(spark, tables, latest=9, as_of=then).count() == len(FIRST_ROWS)
        assert published_days(tables, latest=9, as_of=then) == [
            replace(day, as_of=then) for day in published_days(tables, DAY)
        ]
        with pytest.raises(
            InputError, match=r"not published at .*: 2026-01-06; ask for other days or a later"
        ):
            read_weights(spark, tables, SECOND, as_of=then)

    def test_a_wrong_path_is_answered_with_what_is_there(self, spark: SparkSession, tables: str) -> None:
        with pytest.raises(
            ContractError,
            match=f"the tables at {tables} are publications, weights; days with publications: 20",
        ):
            read_weights(spark, f"{tables}/weights", DAY)


class TestBatches:
    @pytest.mark.parametrize("days", [[SECOND], [DAY, SECOND]], ids=["one day", "a newer feature"])
    def test_samples_are_those_of_the_spark_columns(
        self, spark: SparkSession, config: Config, days: list[date]
    ) -> None:
        found = stacked(batches_of(config, *days)).sort_values("gap_seconds", ignore_index=True)
        expected = encoded_by_spark(read_weights(spark, config.paths.tables, *days), config)
        assert list(found.columns) == [*(f.name for f in config.features), "label", "sample_weight"]
        for name in found.columns:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, err_msg=name)

    def test_what_is_missing_has_bucket_zero_or_no_number(self, config: Config) -> None:
        found = stacked(batches_of(config, SECOND)).sort_values("gap_seconds", ignore_index=True)
        assert [bucket == 0 for bucket in found["device"]] == [row["device"] is None for row in SECOND_ROWS]
        assert 0 < (found["device"] == 0).sum() < len(found)
        assert found["song_popularity"].isna().tolist() == [
            row["song_popularity"] is None for row in SECOND_ROWS
        ]
        assert 0 < found["song_popularity"].isna().sum() < len(found)

    def test_tensors_have_the_promised_types_and_sizes(self, config: Config) -> None:
        batches = batches_of(config, DAY, SECOND, batch_size=50)
        assert [len(batch.label_B) for batch in batches] == [50] * (BOTH // 50) + [BOTH % 50]
        for feature in config.features:
            kind = torch.int64 if feature.kind == "categorical" else torch.float32
            assert {batch.features[feature.name].dtype for batch in batches} == {kind}
            assert {batch.features[feature.name].ndim for batch in batches} == {1}
        assert {batch.label_B.dtype for batch in batches} == {torch.float32}
        assert {batch.sample_weight_B.dtype for batch in batches} == {torch.float32}

    def test_two_processes_share_the_plays(self, config: Config) -> None:
        parts = [stacked(batches_of(config, DAY, SECOND, rank=rank, world=2)) for rank in (0, 1)]
        seen = [set(part["gap_seconds"]) for part in parts]
        assert all(seen)
        assert not seen[0] & seen[1]
        assert sum(map(len, parts)) == len(seen[0] | seen[1]) == BOTH

    @pytest.mark.parametrize("world", [5, 13])
    def test_more_processes_than_row_groups_share_their_rows(
        self, config: Config, tables: str, world: int
    ) -> None:
        files = published_files(tables, published_days(tables, SECOND))
        groups = [pq.ParquetFile(file).num_row_groups for file in files]
        assert sum(groups) < world
        parts = [
            stacked(batches_of(config, SECOND, rank=rank, world=world, seed=rank)) for rank in range(world)
        ]
        assert all(len(part) > 0 for part in parts)
        seen = [gap for part in parts for gap in part["gap_seconds"]]
        assert len(set(seen)) == len(seen) == len(SECOND_ROWS)

    def test_a_part_of_a_row_group_is_shuffled_by_the_seed(self, config: Config) -> None:
        first, again, other = (
            stacked(batches_of(config, SECOND, rank=1, world=4, seed=seed))["gap_seconds"].tolist()
            for seed in (1, 1, 2)
        )
        assert first == again
        assert first != other
        assert sorted(first) == sorted(other)

    def test_too_many_processes_are_told_how_many_can_share(self, config: Config) -> None:
        with pytest.raises(
            InputError, match=r"world = 5000: at most \d+ processes can share the 3 row groups"
        ):
            batches_of(config, SECOND, rank=0, world=5000)

    def test_the_order_is_a_function_of_the_seed(self, config: Config) -> None:
        first, again, other = (
            stacked(batches_of(config, DAY, SECOND, seed=seed))["gap_seconds"].tolist() for seed in (1, 1, 2)
        )
        assert again == first
        assert other != first
        assert sorted(other) == sorted(first)

    def test_rows_of_one_file_are_shuffled(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            torch_reader, "published_files", lambda *of, **how: published_files(*of, **how)[:1]
        )
        monkeypatch.setattr(torch_reader, "require_rows", lambda *of, **how: None)
        first, other = (
            stacked(batches_of(config, SECOND, seed=seed))["gap_seconds"].tolist() for seed in (1, 2)
        )
        assert sorted(first) == sorted(other)
        assert first != other

    def test_features_may_share_a_column_or_be_left_out(self, config: Config) -> None:
        (song,) = (feature for feature in config.features if feature.name == "song")
        coarse = song.model_copy(update={"name": "song_group", "buckets": 4})
        found = stacked(batches_of(config, SECOND, features=[song, coarse]))
        assert list(found.columns) == ["song", "song_group", "label", "sample_weight"]
        assert set(found["song_group"]) == {1, 2, 3, 4}
        assert found["song"].nunique() > 20

    def test_lost_rows_are_an_error(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            torch_reader, "published_files", lambda *of, **how: published_files(*of, **how)[1:]
        )
        with pytest.raises(ContractError, match=rf"{len(SECOND_ROWS)} are published"):
            batches_of(config, SECOND)

    def test_a_column_that_no_day_has_is_named(self, config: Config) -> None:
        with pytest.raises(ContractError, match=f"no file of these days has column {NEWER};"):
            batches_of(config, DAY)


class TestShare:
    @given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 30))
    def test_the_processes_get_each_row_once(self, row_groups: list[int], world: int) -> None:
        try:
            shares = [share_of(rank, world, row_groups) for rank in range(world)]
        except InputError:
            assert world > len(row_groups) * min(row_groups)
            return
        rows = []
        for share in shares:
            groups = range(share.shard, len(row_groups), share.shards)  # as Petastorm shards them
            own = [(g, row) for g in groups for row in range(share.part, row_groups[g], share.parts)]
            assert own
            rows += own
        assert sorted(rows) == [(g, row) for g, count in enumerate(row_groups) for row in range(count)]

    @pytest.mark.parametrize(("rank", "world"), [(2, 2), (-1, 2), (0, 0)])
    def test_a_rank_must_be_one_of_the_world(self, rank: int, world: int) -> None:
        with pytest.raises(InputError, match=rf"rank = {rank} is none of world = {world} processes"):
            share_of(rank, world, [5])


def test_the_loss_is_the_weighted_cross_entropy_by_hand() -> None:
    logits, labels, weights = [0.3, -2.0, 1.5, -0.7], [1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.25, 0.0]
    total = 0.0
    for logit, label, weight in zip(logits, labels, weights, strict=True):
        chance = 1 / (1 + math.exp(-logit))
        total -= weight * (label * math.log(chance) + (1 - label) * math.log(1 - chance))
    loss = weighted_binary_cross_entropy(*map(torch.tensor, (logits, labels, weights)))
    assert loss.item() == pytest.approx(total / 4, rel=1e-6)


class TestUnpublishedDays:
    def read(self, how: str, spark: SparkSession, config: Config, first: Any, last: Any) -> object:
        if how == "Spark":
            return read_weights(spark, config.paths.tables, first, last)
        if how == "Arrow":
            return read_weights_arrow(config.paths.tables, first, last)
        return batches_of(config, first, last)

    @pytest.mark.parametrize("how", ["Spark", "Arrow", "Petastorm"])
    @pytest.mark.parametrize(
        ("first", "last", "message"),
        [
            ("2026-01-04", "2026-01-07", "not published: 2026-01-04, 2026-01-07; run uae nightly"),
            (date(2026, 2, 1), None, "not published: 2026-02-01; run uae nightly"),
            ("2026-01-06", "2026-01-05", "the first day 2026-01-06 is after the last day 2026-01-05"),
            ("yesterday", None, "'yesterday' is not a day"),
        ],
    )
    def test_they_are_named(
        self, spark: SparkSession, config: Config, how: str, first: Any, last: Any, message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            self.read(how, spark, config, first, last)

    def test_a_long_list_of_them_is_cut(self, tables: str) -> None:
        with pytest.raises(InputError, match=r"2026-02-01, .*, 2026-02-10 and 18 more; run"):
            published_days(tables, "2026-02-01", "2026-02-28")
