"""Slots kept packed: what is told of them, and the rows that come out again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY, event, feed_row, write_slot
from uae_model.config import Config
from uae_model.ingest import novelty
from uae_model.ingest.feed import Feed
from uae_model.ingest.forgotten import FORGOTTEN
from uae_model.ingest.novelty import each_once, few_rows, held_already, outranking, repeated_ids
from uae_model.ingest.packed import PACKED, packed, unpack
from uae_model.ingest.reports import require_all
from uae_model.ingest.slot import packed_slot
from uae_model.lake import TableStore, contract_for
from uae_model.lake.added import append_files, file_form

NEXT_DAY = date(2026, 1, 6)
EVENTS = pa.schema([("event_id", pa.string()), ("dt", pa.date32())])


def parsed_rows(*rows: dict[str, object]) -> pa.RecordBatch:
    schema = pa.schema(
        [
            *[(name, pa.string()) for name in ("source", "raw", "report", "reason", "value")],
            (FORGOTTEN, pa.bool_()),
            *EVENTS,
        ]
    )
    return pa.RecordBatch.from_pylist([{"source": "file", FORGOTTEN: False, **row} for row in rows], schema)


def test_each_row_is_one_of_the_counts_and_bad_ones_keep_their_text() -> None:
    batch = packed(
        parsed_rows(
            {"event_id": "a", "dt": DAY},
            {"event_id": "b", "dt": NEXT_DAY},
            {"raw": "cut", "reason": "the row cannot be split into columns"},
            {"event_id": "c", "dt": DAY, FORGOTTEN: True},
            {"raw": "of Ann", "reason": "unknown feedback", FORGOTTEN: True},
            {"report": "{}"},
        ),
        EVENTS,
    )
    assert batch.schema == PACKED
    (counts, bad, report) = batch.to_pylist()
    assert {name: counts[name] for name in ("source", "rows", "bad", "forgotten", "days")} == {
        "source": "file",
        "rows": 5,
        "bad": 1,
        "forgotten": 2,
        "days": '{"2026-01-05": 1, "2026-01-06": 1}',
    }
    assert (bad["raw"], bad["reason"]) == ("cut", "the row cannot be split into columns")
    assert (report["report"], report["rows"]) == ("{}", None)


def test_what_was_packed_comes_out_by_columns_and_choice() -> None:
    batch = packed(parsed_rows({"event_id": "a", "dt": DAY}, {"event_id": "b", "dt": NEXT_DAY}), EVENTS)
    binaries = batch.select(["events"]).filter(batch["events"].is_valid())
    (everything,) = unpack([binaries], EVENTS, ["dt", "event_id"], None)
    assert everything.to_pylist() == [{"dt": DAY, "event_id": "a"}, {"dt": NEXT_DAY, "event_id": "b"}]
    (second,) = unpack([binaries], EVENTS, ["event_id"], lambda rows: pa.array([False, True]))
    assert second.to_pylist() == [{"event_id": "b"}]
    assert list(unpack([binaries], EVENTS, ["event_id"], lambda rows: pa.array([False, False]))) == []


@pytest.fixture
def brought(make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Config:
    """A slot with an event twice, an id on two days, and a bad row."""
    rows = [
        event("a", "10:00"),
        event("a", "10:00", feedback="like"),
        event("b", "11:00"),
        event("b", "06 00:30"),
        event("bad", "12:00", feedback="applause"),
    ]
    monkeypatch.setenv("UAE_HMAC_KEY", "k" * 32)
    write_slot(tmp_path / "feed", DAY, [feed_row(row) for row in rows])
    return make_config('feed.format="jsonl"')


@pytest.mark.parametrize("ids_of_a_task", [novelty.IDS_OF_A_TASK, 1], ids=["few ids", "many ids"])
def test_a_slot_brings_each_event_once_the_highest_row_of_it(
    spark: SparkSession, brought: Config, monkeypatch: pytest.MonkeyPatch, ids_of_a_task: int
) -> None:
    monkeypatch.setattr(novelty, "IDS_OF_A_TASK", ids_of_a_task)
    store, feed = TableStore(spark, brought), Feed(spark, brought)
    (slot,) = feed.slots(DAY)
    columns = contract_for("events", brought).columns
    with packed_slot(store, feed, slot) as held:
        assert require_all(slot.name, held, {}, accept_empty=False) == 5
        assert (held.bad, held.forgotten, dict(held.days)) == (1, 0, {DAY: 3, NEXT_DAY: 1})
        assert [row["reason"] for row in held.bad_rows.collect()] == ["unknown feedback"]
        repeated = repeated_ids(held.events(["event_id"]), 4)
        assert sorted(row["event_id"] for row in repeated.collect()) == ["a", "b"]
        once = each_once(held, repeated, slot.name, columns, brought)
        rows = once.rows.collect()
        form = file_form(store, "events")
        assert form is not None
        append_files(store, "events", once.write_files(form), {})
    written = store.read("events").select(columns)
    assert sorted(written.collect()) == sorted(rows)
    found = sorted((row["event_id"], row["dt"], row["feedback"]) for row in rows)
    assert found == [("a", DAY, "like"), ("b", DAY, "auto_play"), ("b", NEXT_DAY, "auto_play")]
    assert {row["feed_slot"] for row in rows} == {slot.name}


@pytest.mark.parametrize(("keys_count", "held_count"), [(3, 2), (2, 3), (10**9, 10**9)])
def test_events_that_the_table_holds_are_found_whichever_side_is_small(
    spark: SparkSession, keys_count: int, held_count: int
) -> None:
    schema = "event_id string, dt date"
    keys = spark.createDataFrame([("a", DAY), ("b", DAY), ("c", NEXT_DAY)], schema)
    held = spark.createDataFrame([("a", DAY), ("c", DAY)], schema)
    found = held_already(keys, held, keys_count, held_count).collect()
    assert [(row["event_id"], row["dt"]) for row in found] == [("a", DAY)]


def test_only_rows_that_rank_higher_replace_the_table_s(spark: SparkSession, config: Config) -> None:
    columns = contract_for("events", config).columns
    schema = contract_for("events", config).schema

    def row(name: str, feedback: str) -> dict[str, object]:
        given = {"event_id": name, "user_id": "u", "song_id": "s", "feedback": feedback, "dt": DAY}
        return {**dict.fromkeys(columns), **given, "played_at": event(name, "10:00").played_at}

    new = spark.createDataFrame([row("a", "like"), row("b", "auto_play"), row("c", "skip")], schema)
    old = spark.createDataFrame([row("a", "auto_play"), row("b", "like"), row("c", "skip")], schema)
    assert [r["event_id"] for r in outranking(new, old, columns, config).collect()] == ["a"]


def test_a_day_of_few_rows_is_one_of_less_than_a_tenth() -> None:
    assert few_rows({DAY: 901, NEXT_DAY: 99}) == [NEXT_DAY]
    assert few_rows({DAY: 900, NEXT_DAY: 100}) == []
