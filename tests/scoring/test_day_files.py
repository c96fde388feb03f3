"""Files of plays, scored by Arrow alone, hold what Spark's rows would have held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from tests.builders import DAY
from tests.training_builders import pair_for, play_rows, plays_frame
from uae_model.config import Config, load_config
from uae_model.lake import contract_for
from uae_model.lake.data_files import FileForm
from uae_model.scoring import udf
from uae_model.scoring.day_files import FileScoring, score_files
from uae_model.scoring.udf import score_plays, serialise
from uae_model.weights.functions import WeightFunction

CONFIG = load_config(None)
ROWS = sorted(play_rows(DAY, 40), key=lambda row: (row["session_id"], row["position"]))
LINEAR = WeightFunction("smoothed", "linear")
SAME = {
    "weighting": "linear",
    "attention_model_version": 3,
    "propensity_model_version": 4,
    "run_id": "r",
}

Scored = Callable[..., "list[Any] | None"]


def arrow_schema(table: str, config: Config) -> pa.Schema:
    fields = [field for field in to_arrow_schema(contract_for(table, config).schema) if field.name != "dt"]
    return pa.schema([field.with_nullable(True) for field in fields])


def plays_of(rows: Sequence[dict[str, Any]], config: Config = CONFIG) -> pa.Table:
    schema = arrow_schema("plays", config)
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema)


@pytest.fixture
def scored(spark: SparkSession, tmp_path: Path) -> Scored:
    """Return a function that writes plays into files and scores these."""

    def run(
        *parts: pa.Table, weighting: WeightFunction = LINEAR, config: Config = CONFIG, **written: Any
    ) -> list[Any] | None:
        for number, part in enumerate(parts):
            pq.write_table(part, tmp_path / f"plays-{number}.parquet", **written)
        scoring = FileScoring(
            day=DAY,
            plays=tuple(str(tmp_path / f"plays-{number}.parquet") for number in range(len(parts))),
            form=FileForm("scores", str(tmp_path / "scores"), arrow_schema("scores", config), ("user_id",)),
            networks=spark.sparkContext.broadcast(serialise(pair_for(config).to_state())),
            categorical=config.features.categorical,
            numeric=config.features.numeric,
            batch_plays=1_000,
            weighting=weighting,
            same={**SAME, "weighting": weighting.describe()},
        )
        return score_files(spark, scoring)

    return run


def read(tmp_path: Path, files: list[Any] | None) -> pa.Table:
    assert files is not None
    tables = [pq.read_table(tmp_path / "scores" / file.path, partitioning=None) for file in files]
    assert [file.rows for file in files] == [table.num_rows for table in tables]
    return pa.concat_tables(tables).sort_by([("session_id", "ascending"), ("position", "ascending")])


def by_spark(spark: SparkSession, plays: pa.Table, weighting: WeightFunction) -> DataFrame:
    frame = plays_frame(spark, CONFIG, [{**row, "dt": DAY} for row in plays.to_pylist()])
    networks = spark.sparkContext.broadcast(serialise(pair_for(CONFIG).to_state()))
    return score_plays(frame, networks, weighting, CONFIG, plays.num_rows)


@pytest.mark.parametrize(
    "weighting",
    [
        LINEAR,
        WeightFunction("prediction", "power", gamma=15.0),
        WeightFunction("smoothed", "scaled", shift=-0.7, factor=1.4, mean=0.3, attention_mean=0.2),
        WeightFunction("smoothed", "constant", mean=0.25),
    ],
    ids=lambda weighting: weighting.name,
)
def test_the_rows_are_those_of_spark(
    spark: SparkSession, scored: Scored, tmp_path: Path, weighting: WeightFunction
) -> None:
    plays = plays_of(ROWS)
    first = next(at for at in range(len(ROWS) // 2, len(ROWS)) if ROWS[at]["position"] == 1)
    found = read(tmp_path, scored(plays.slice(0, first), plays.slice(first), weighting=weighting))
    assert found.select(plays.column_names).equals(plays)
    assert {name: set(found[name].to_pylist()) for name in SAME} == {
        name: {value} for name, value in {**SAME, "weighting": weighting.describe()}.items()
    }
    expected = by_spark(spark, plays, weighting).orderBy("session_id", "position").toPandas()
    for name in ("attention", "propensity", "sample_weight"):
        np.testing.assert_allclose(found[name].to_numpy(), expected[name], rtol=0, atol=1e-6)
    assert np.std(found["attention"].to_numpy()) > 0.001  # else a constant would do


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_chunks_and_row_groups_change_nothing(
    scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    plays = plays_of(ROWS)
    whole = read(tmp_path, scored(plays))
    monkeypatch.setattr(udf, "CHUNK_PLAYS", chunk)
    again = read(tmp_path, scored(plays, row_group_size=5))
    assert again.drop(["attention", "propensity", "sample_weight"]).equals(
        whole.drop(["attention", "propensity", "sample_weight"])
    )
    np.testing.assert_allclose(again["attention"].to_numpy(), whole["attention"].to_numpy(), atol=1e-6)


CUT = next(at for at, row in enumerate(ROWS) if row["position"] == 2)
OUT_OF_ORDER = {
    "a session in two files": [ROWS[:CUT], ROWS[CUT:]],
    "against the order of plays": [ROWS[::-1]],
    "a play is lacking": [[row for at, row in enumerate(ROWS) if at != CUT - 1]],
    "two sessions in turn": [
        [{**ROWS[0], "session_id": name, "position": position} for position in (1, 2) for name in ("a", "b")]
    ],
}


@pytest.mark.parametrize("name", OUT_OF_ORDER)
def test_files_with_a_session_that_is_not_whole_are_not_scored(
    scored: Scored, tmp_path: Path, name: str
) -> None:
    assert scored(*map(plays_of, OUT_OF_ORDER[name])) is None
    assert [path for path in (tmp_path / "scores").rglob("*") if path.is_file()] == []


def test_a_position_that_stands_twice_is_an_error(scored: Scored) -> None:
    with pytest.raises(PySparkException, match="the positions of a session are not 1, 2, 3"):
        scored(plays_of([ROWS[0], ROWS[0]]))


def test_old_times_and_columns_that_a_file_lacks_are_read(scored: Scored, tmp_path: Path) -> None:
    plays = plays_of(ROWS)
    found = read(tmp_path, scored(plays.drop(["genre"]), use_deprecated_int96_timestamps=True))
    assert found["played_at"].equals(plays["played_at"])
    assert found["genre"].null_count == len(ROWS)
    with_nulls = plays_of([{**row, "genre": None} for row in ROWS])
    expected = read(tmp_path, scored(with_nulls))
    np.testing.assert_array_equal(found["attention"].to_numpy(), expected["attention"].to_numpy())


def test_files_without_plays_give_no_files(scored: Scored) -> None:
    assert scored(plays_of([])) == []
    assert scored() == []
