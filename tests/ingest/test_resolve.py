"""One row for each event, whatever the order of arrival."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession

from tests.builders import Event, at, event, events_frame
from tests.ingest.test_parse import default_config
from uae_model.config import FEEDBACK_TYPES, Config
from uae_model.ingest import highest_ranking, outranks
from uae_model.lake import contract_for

CONFIG = default_config()
COLUMNS = contract_for("events", CONFIG).columns
PRIORITY = ("dislike", "download", "share", "like", "skip", "auto_play")


def parsed(spark: SparkSession, rows: Sequence[Event], reason: str | None = None) -> DataFrame:
    """Return rows as ``parse_rows`` gives them."""
    quoted = "cast(null as string)" if reason is None else f"'{reason}'"
    return events_frame(spark, rows, CONFIG).selectExpr(f"{quoted} as reason", "*")


def resolve(rows: DataFrame, config: Config = CONFIG) -> dict[str, Row]:
    found = highest_ranking(rows.where("reason IS NULL"), COLUMNS, config).collect()
    assert len({row["event_id"] for row in found}) == len(found)
    return {row["event_id"]: row for row in found}


def merge(table: DataFrame, arriving: DataFrame) -> dict[str, Row]:
    """Do what the store's MERGE does: insert what is new, replace what the newcomer outranks."""
    old, new = (highest_ranking(rows, COLUMNS, CONFIG) for rows in (table, arriving))
    both = old.alias("old").join(new.alias("new"), "event_id", "full")
    wins = f"old.dt is null or coalesce({outranks(COLUMNS, CONFIG)}, false)"
    old_row, new_row = ([f"{side}.{name}" for name in COLUMNS[1:]] for side in ("old", "new"))
    chosen = (
        f"if({wins}, struct(event_id, {', '.join(new_row)}), struct(event_id, {', '.join(old_row)})) as event"
    )
    return {row["event_id"]: row for row in both.selectExpr(chosen).select("event.*").collect()}


def test_the_feedback_of_the_highest_priority_counts_for_each_pair(spark: SparkSession) -> None:
    pairs = list(itertools.permutations(FEEDBACK_TYPES, 2))
    rows = [event(f"{a}|{b}", "10:00", feedback=feedback) for a, b in pairs for feedback in (a, b)]
    found = resolve(parsed(spark, rows))
    assert {name: row["feedback"] for name, row in found.items()} == {
        f"{a}|{b}": min(a, b, key=PRIORITY.index) for a, b in pairs
    }


def test_the_priority_is_configurable(spark: SparkSession) -> None:
    rows = parsed(spark, [event("e", "10:00", feedback="like"), event("e", "10:00", feedback="skip")])
    assert resolve(rows, default_config(labels={"priority": PRIORITY[::-1]}))["e"]["feedback"] == "skip"


def test_of_equal_feedback_the_fuller_row_counts_and_bad_rows_never(spark: SparkSession) -> None:
    good = [
        event("e", "10:00", device=None),
        event("e", "10:00"),
        event("e", "10:00", played_ms=None, device=None),
    ]
    bad = parsed(spark, [event("e", "10:00", feedback="dislike")], reason="unknown feedback: boo")
    found = resolve(parsed(spark, good).unionByName(bad))["e"]
    assert (found["device"], found["played_ms"], found["feedback"]) == ("phone", 180_000, "auto_play")


def test_an_id_on_two_days_is_two_events(spark: SparkSession) -> None:
    rows = [event("e", "10:00"), event("e", "06 10:00"), event("e", "06 10:00"), event("e", "04 10:00")]
    found = highest_ranking(parsed(spark, rows), COLUMNS, CONFIG).collect()
    assert sorted(row["dt"].day for row in found) == [4, 5, 6]


def test_of_two_different_rows_exactly_one_outranks_the_other(spark: SparkSession) -> None:
    base = event("", "10:00")
    changes: tuple[dict[str, Any], ...] = (
        {"device": "car"},
        {"played_ms": 7},
        {"song_id": "s2"},
        {"feedback": "like"},
        {"device": None},
        {},
    )
    one = [replace(base, event_id=str(number)) for number in range(len(changes))]
    other = [replace(base, event_id=str(number), **change) for number, change in enumerate(changes)]
    forth, back = (
        {
            int(row["event_id"]): row["wins"]
            for row in old.alias("old")
            .join(new.alias("new"), "event_id")
            .selectExpr("event_id", f"{outranks(COLUMNS, CONFIG)} as wins")
            .collect()
        }
        for old, new in itertools.permutations((parsed(spark, one), parsed(spark, other)))
    )
    same = len(changes) - 1
    assert (forth.pop(same), back.pop(same)) == (False, False)  # a row never outranks itself
    assert all(forth[number] != back[number] for number in forth)
    assert (forth[3], forth[4]) == (True, False)


one_row = st.tuples(
    st.sampled_from(FEEDBACK_TYPES), st.sampled_from(("phone", "car", None)), st.sampled_from((None, 0, 5))
)
rows_of_one_event = st.lists(one_row, min_size=1, max_size=5).flatmap(
    lambda rows: st.tuples(st.just(rows), st.permutations(rows), st.integers(0, len(rows)))
)


def events_of(number: int, rows: Sequence[Any]) -> list[Event]:
    return [
        Event(f"e{number}", at("10:00"), feedback=feedback, device=device, played_ms=played)
        for feedback, device, played in rows
    ]


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(cases=st.lists(rows_of_one_event, min_size=40, max_size=60))  # each event is a case of its own
def test_any_order_any_repetition_and_any_split_give_the_same_events(
    spark: SparkSession, cases: list[Any]
) -> None:
    numbered = list(enumerate(cases))
    in_order = resolve(parsed(spark, [row for n, case in numbered for row in events_of(n, case[0])]))
    shuffled = [row for n, case in numbered for row in events_of(n, case[1])]
    assert resolve(parsed(spark, shuffled + shuffled[::3])) == in_order
    first = parsed(spark, [row for n, case in numbered for row in events_of(n, case[1][: case[2]])])
    later = parsed(spark, [row for n, case in numbered for row in events_of(n, case[1][case[2] :])])
    assert merge(first, later) == in_order
    assert merge(later, first) == in_order
