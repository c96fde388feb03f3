"""Reading slots: every row of a file arrives, split into columns or as text alone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from tests.builders import DAY, event, feed_row, write_slot
from tests.ingest.test_parse import default_config
from uae_model.config import Config
from uae_model.core.errors import InputError
from uae_model.ingest import read_slot
from uae_model.ingest.distribute import fetched_rows
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.files import FilePart, Layout, Report
from uae_model.ingest.parse import needed_columns
from uae_model.ingest.raw import plays_layout, source_columns
from uae_model.ingest.reports import check_reports

GOOD = feed_row(event("e", "10:00"))


def read(spark: SparkSession, config: Config) -> list[Row]:
    (slot,) = Feed(spark, config).slots(DAY)
    rows = read_slot(spark, slot, config).collect()
    reports = [Report.of_text(row["report"]) for row in rows if row["report"]]
    check_reports(slot.name, reports, needed_columns(config), accept_empty=True)
    return [row for row in rows if row["report"] is None]


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


def test_two_targets_of_one_column_leave_the_others_what_they_are() -> None:
    mapped = default_config(feed={"format": "jsonl", "columns": {"event_id": "track", "song_id": "track"}})
    layout = plays_layout(mapped)
    assert layout.required == ("user_id", "track", "played_at", "feedback")
    assert layout.ids == {"track", "user_id"}
    assert layout.instant == "played_at"


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
        slot = write_slot(tmp_path / "feed", DAY, [GOOD], name="_hidden.json")
        (slot / "part.json.gz").write_bytes(gzip.compress((json.dumps(GOOD) + "\n").encode()))
        assert [row["source"] for row in read(spark, make_config("feed.format=jsonl"))] == [
            "dt=2026-01-05/part.json.gz"
        ]


def test_a_header_without_the_columns_is_shown(
    spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    write_lines(tmp_path / "feed" / f"dt={DAY}", "a.csv", ["user,track,played_at", "u,s,t"])
    with pytest.raises(
        InputError,
        match=r"slot dt=2026-01-05: dt=2026-01-05/a.csv: no column user_id, song_id, feedback in the header "
        "'user,track,played_at'",
    ):
        read(spark, make_config("feed.format=csv"))


def test_files_of_any_storage_are_fetched_by_spark_with_names_as_they_are(
    spark: SparkSession, tmp_path: Path
) -> None:
    layout = Layout("jsonl", ("user_id",))
    names = ["a b.json", "c[1].json", "d%20.json.gz"]
    parts = []
    for number, name in enumerate(names):
        text = json.dumps({"user_id": str(number)}).encode() + b"\n"
        file = tmp_path / name
        file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        parts.append(FilePart(f"file:{file}", name, file.stat().st_size))
    rows = fetched_rows(spark, parts, layout).where("report IS NULL").collect()
    assert sorted((row["source"], row["fields"]["user_id"]) for row in rows) == [
        *[("a b.json", "0"), ("c[1].json", "1"), ("d%20.json.gz", "2")],
    ]


def test_folders_below_and_names_with_any_sign_are_read_and_what_is_no_data_is_not(
    spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    folder = tmp_path / "feed" / f"dt={DAY}"
    line = [json.dumps(GOOD)]
    for name in ("evening/b.JSON", "at 10:00/c[1].json", "d%20{x}.jsonl", "no-suffix", "_hidden/e.json"):
        write_lines((folder / name).parent, Path(name).name, line)
    for name in ("checksums.md5", "README", "notes.csv"):
        write_lines(folder, name, ["0 a"])
    assert sorted(row["source"] for row in read(spark, make_config("feed.format=jsonl"))) == [
        *("dt=2026-01-05/at 10:00/c[1].json", "dt=2026-01-05/d%20{x}.jsonl"),
        *("dt=2026-01-05/evening/b.JSON", "dt=2026-01-05/no-suffix"),
    ]


def test_a_static_dataset_is_one_slot(
    spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    write_lines(tmp_path / "all", "part.json", [json.dumps(GOOD)])
    config = make_config("paths.feed=all", "feed.format=jsonl")
    feed = Feed(spark, config)
    assert feed.slots(DAY) == [Slot("all", str(tmp_path / "all"), None, None)]
    assert [row["source"] for row in read(spark, config)] == ["all/part.json"]
