"""Rewrites: rows change or go, what was built from them stays current, and nothing of it can be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row
from pyspark.sql import functions as F  # noqa: N812

from tests.builders import DAY, event, events_frame
from uae_model.lake import NO_DAY, DayState, TableStore, Unit
from uae_model.lake.day_state import ACCEPTED
from uae_model.lake.rewrites import is_rewrite, remove_rows, rewrite

NEXT = DAY + timedelta(days=1)
EVENTS, READER = Unit("events", DAY), Unit("models", DAY)


def written(store: TableStore) -> TableStore:
    """Write two days of events, and remember models that were trained from them."""
    items = {
        DAY: [event("a", "10:00", user_id="ann"), event("b", "10:05", user_id="bob")],
        NEXT: [event("c", "06 10:00", user_id="ann")],
    }
    for day, rows in items.items():
        frame = events_frame(store.spark, rows, store.config)
        record = {"step": "test", "unit": ["events", str(day), ""], "inputs": {}}
        store.replace_day("events", day, frame, record)
        store.states.accept(Unit("events", day), {})
    inputs = {str(EVENTS): store.states.version("events", DAY), str(Unit("models", NEXT)): 7}
    store.states.record(DayState(READER, 3, ACCEPTED, inputs=inputs, written_to="models"))
    store.states.flush()
    return TableStore(store.spark, store.config)


def users(store: TableStore, *names: str) -> Any:
    return store.spark.createDataFrame([(name,) for name in names], "user_id string")


def rows_of(store: TableStore) -> list[tuple[date, str, str]]:
    rows = store.read("events").select("dt", "event_id", "user_id").orderBy("event_id").collect()
    return [tuple(row) for row in rows]


def test_rows_that_are_taken_out_leave_days_and_their_readers_current(store: TableStore) -> None:
    again = written(store)
    reader = again.states.get(READER)
    assert remove_rows(again, "events", users(again, "ann", "zoe"), "forget") == {DAY: 1, NEXT: 1}
    assert rows_of(again) == [(DAY, "b", "bob")]
    version = again.latest_version("events")
    assert is_rewrite(again.spark, again.path("events"), version)
    for memory in (again.states, TableStore(store.spark, store.config).states):
        day, next_day = memory.accepted("events", DAY), memory.accepted("events", NEXT)
        assert day is not None
        assert next_day is not None
        assert (day.version, day.counts["rows"]) == (version, 1)
        # Of a day without rows no file is missing.
        assert (next_day.version, next_day.counts["rows"]) == (version, 0)
        assert next_day.counts["operation"] == "DELETE"
        assert reader is not None
        assert reader.inputs is not None
        assert memory.get(READER) == replace(reader, inputs={**reader.inputs, str(EVENTS): version})
    assert remove_rows(again, "events", users(again, "ann"), "forget") == {}
    assert again.latest_version("events") == version


def test_a_rewrite_is_never_undone_and_its_log_names_nobody(store: TableStore) -> None:
    again = written(store)
    remove_rows(again, "events", users(again, "ann"), "forget")
    version = again.latest_version("events")
    assert not again.undo("events", version)
    assert rows_of(again) == [(DAY, "b", "bob")]
    log = Path(again.path("events")) / "_delta_log" / f"{version:020d}.json"
    assert "ann" not in log.read_text()


def test_what_was_out_of_date_stays_so(store: TableStore) -> None:
    again = written(store)
    stale = DayState(Unit("models", NEXT), 4, ACCEPTED, inputs={str(EVENTS): 0}, written_to="models")
    again.states.record(stale)
    remove_rows(again, "events", users(again, "ann"), "forget")
    assert again.states.get(stale.unit) == stale


def test_a_table_is_rewritten_once_under_a_name(store: TableStore) -> None:
    again = written(store)
    before = again.latest_version("events")

    def in_capitals(name: str) -> list[Row]:
        frame = again.read("events").withColumn("user_id", F.concat(F.upper("user_id"), F.lit("!")))
        rewrite(again, "events", frame, "rekey", once=name)
        return again.read("events").select("user_id").orderBy("event_id").collect()

    for _ in range(2):
        assert [row["user_id"] for row in in_capitals("first")] == ["ANN!", "BOB!", "ANN!"]
    assert again.latest_version("events") == before + 1
    assert in_capitals("second")[0]["user_id"] == "ANN!!"
    state = again.states.accepted("events", DAY)
    assert state is not None
    assert (state.version, state.counts["rows"]) == (before + 2, 2)


def test_a_table_that_no_state_knows_is_taken_as_it_stands(store: TableStore) -> None:
    items = [event("a", "10:00", user_id="ann"), event("b", "10:05", user_id="bob")]
    store.replace_day("events", DAY, events_frame(store.spark, items, store.config), {"step": "test"})
    remove_rows(store, "events", users(store, "ann"), "forget")
    fresh = TableStore(store.spark, store.config)
    state = fresh.states.accepted("events", DAY)
    assert state is not None
    assert state.version == store.latest_version("events")


def test_properties_are_set_with_the_table_or_later(store: TableStore) -> None:
    assert store.properties("events") == {}
    store.set_properties("events", {"uae.one": "it's 1"})
    assert store.latest_version("events") == 0
    store.set_properties("events", {"uae.one": "it's 1", "uae.two": "2"})
    store.set_properties("events", {"uae.two": "2"})
    assert store.latest_version("events") == 1
    properties = store.properties("events")
    assert (properties["uae.one"], properties["uae.two"]) == ("it's 1", "2")
    assert properties["delta.enableDeletionVectors"] == "false"


@pytest.mark.parametrize("name", ["users", "songs"])
def test_a_table_without_days_is_one_unit(store: TableStore, name: str) -> None:
    key = f"{name[:-1]}_id"
    schema = store.contract(name).schema
    start = event("x", "10:00").played_at
    rows: list[dict[str, object]] = [
        {key: user, "valid_from": start, "valid_to": None, "restated_at": []} for user in ("ann", "bob")
    ]
    values = [[row.get(field) for field in schema.fieldNames()] for row in rows]
    changes = store.spark.createDataFrame(values, schema)
    store.merge_changes(name, changes.withColumn("removed", F.lit(False)), {"step": "test"})
    store.states.accept(Unit(name), {})
    keys = store.spark.createDataFrame([("ann",)], f"{key} string")
    assert remove_rows(store, name, keys, "forget") == {NO_DAY: 1}
    assert [row[key] for row in store.read(name).collect()] == ["bob"]
    state = store.states.get(Unit(name))
    assert state is not None
    assert state.is_accepted
    assert state.version == store.latest_version(name)
