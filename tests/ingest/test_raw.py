"""Reading slots: every row of a file arrives, split into columns or as text alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row, SparkSession

from tests.builders import DAY, event, feed_row, write_slot
from tests.ingest.test_parse import default_config
from uae_model.config import Config
from uae_model.core.errors import InputError
from uae_model.ingest import read_slot
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.raw import source_columns

GOOD = feed_row(event("e", "10:00"))


def read(spark: SparkSession, config: Config) -> list[Row]:
    (slot,) = Feed(spark, config).slots(DAY)
    return read_slot(spark, slot, config).collect()


def write_lines(folder: Path, name: str, lines: list[str], *, end: str = "\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes("".join(line + end for line in lines).encode())
    return folder


def test_the_columns_that_the_configuration_reads_each_once() -> None:
    assert source_columns(default_config()) == [
        *("event_id", "user_id", "song_id", "played_at", "played_ms", "feedback"),
        *("device", "play_source", "artist", "genre", "song_popularity", "genre_affinity"),
    ]
    mapped = default_config(feed={"columns": {"song_id": "track", "genre": "track"}})
    assert source_columns(mapped).count("track") == 1


class TestJsonLines:
    BAD = ('{"event_id": "cut', "no json", "[1, 2]", '"text"', "null")

    def test_each_line_is_a_row_and_a_malformed_one_keeps_its_text(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        write_slot(tmp_path / "feed", DAY, [GOOD, *self.BAD, "", "   "])
        rows = {row["raw"]: row for row in read(spark, make_config("feed.format=jsonl"))}
        assert set(rows) == {json.dumps(GOOD), *self.BAD}  # blank lines are no rows
        good = rows[json.dumps(GOOD)]
        assert good["source"] == "dt=2026-01-05/part-0.json"
        assert good["fields"].asDict() == {
            name: None if value is None else str(value) for name, value in GOOD.items()
        }
        assert [line for line in self.BAD if rows[line]["fields"] is not None] == []

    def test_values_of_any_kind_become_text_and_unknown_columns_are_left_out(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        odd = {"user_id": 7, "song_id": True, "played_at": None, "feedback": {"a": 1}, "surplus": 1}
        write_slot(tmp_path / "feed", DAY, [odd])
        (row,) = read(spark, make_config("feed.format=jsonl"))
        fields = row["fields"].asDict()
        assert (fields["user_id"], fields["song_id"], fields["played_at"]) == ("7", "true", None)
        assert fields["feedback"] == '{"a":1}'
        assert "surplus" not in fields

    def test_compressed_files_and_hidden_ones(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        import gzip

        slot = write_slot(tmp_path / "feed", DAY, [GOOD], name="_hidden.json")
        (slot / "part.json.gz").write_bytes(gzip.compress((json.dumps(GOOD) + "\n").encode()))
        assert [row["source"] for row in read(spark, make_config("feed.format=jsonl"))] == [
            "dt=2026-01-05/part.json.gz"
        ]


class TestCsv:
    HEADER = "user_id,song_id,played_at,feedback,surplus"

    def slot(self, folder: Path) -> Path:
        return folder / "feed" / f"dt={DAY}"

    def test_quotes_commas_and_lines_of_the_wrong_length(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        lines = [self.HEADER, 'u1,"a, song",t,like,x', "u2,s2,t,,", "u3,s3", "u4,s4,t,like,x,one too many"]
        write_lines(self.slot(tmp_path), "a.csv", lines, end="\r\n")
        write_lines(self.slot(tmp_path), "b.csv", [self.HEADER, "u5,s5,t,skip,x"])
        rows = {row["raw"]: row["fields"] for row in read(spark, make_config("feed.format=csv"))}
        assert len(rows) == 5  # neither header
        assert rows[lines[1]].asDict() == {
            **{"user_id": "u1", "song_id": "a, song", "played_at": "t", "feedback": "like"},
            "surplus": "x",
        }
        assert rows[lines[2]]["feedback"] is None
        assert rows["u5,s5,t,skip,x"]["song_id"] == "s5"
        assert rows[lines[3]] is None
        assert rows[lines[4]] is None

    def test_files_of_one_slot_must_share_their_header(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        write_lines(self.slot(tmp_path), "a.csv", [self.HEADER])
        write_lines(self.slot(tmp_path), "b.csv", ["song_id,user_id,played_at,feedback,surplus"])
        with pytest.raises(InputError, match="slot dt=2026-01-05: its CSV files have 2 different headers"):
            read(spark, make_config("feed.format=csv"))

    def test_a_header_without_the_columns_is_shown(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        write_lines(self.slot(tmp_path), "a.csv", ["user,track,played_at", "u,s,t"])
        with pytest.raises(
            InputError, match=r"no column user_id, song_id in the header 'user,track,played_at'"
        ):
            read(spark, make_config("feed.format=csv"))

    def test_an_empty_slot_has_no_rows(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        write_lines(self.slot(tmp_path), "a.csv", [])
        assert read(spark, make_config("feed.format=csv")) == []


class TestParquet:
    def test_typed_columns_keep_their_types_and_the_row_its_text(
        self, spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
    ) -> None:
        folder = tmp_path / "feed" / f"dt={DAY}"
        folder.mkdir(parents=True)
        table = pa.table(
            {
                "user_id": pa.array([7, 8]),
                "a name with. a dot": ["x", None],
                "played_ms": pa.array([1.5, None]),
            }
        )
        pq.write_table(table, folder / "part-0.parquet")
        rows = read(spark, make_config("feed.format=parquet"))
        assert [row["fields"]["user_id"] for row in rows] == [7, 8]
        assert rows[0]["fields"]["a name with. a dot"] == "x"
        assert json.loads(rows[0]["raw"]) == {"user_id": 7, "a name with. a dot": "x", "played_ms": 1.5}
        assert rows[0]["source"] == "dt=2026-01-05/part-0.parquet"


def test_a_static_dataset_is_one_slot(
    spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    write_lines(tmp_path / "all", "part.json", [json.dumps(GOOD)])
    config = make_config("paths.feed=all", "feed.format=jsonl")
    feed = Feed(spark, config)
    assert feed.slots(DAY) == [Slot("all", str(tmp_path / "all"), None, None)]
    assert [row["source"] for row in read(spark, config)] == ["all/part.json"]
