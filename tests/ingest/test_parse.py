"""Every reason for quarantine, from rows as text, each case hand-checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import types as T  # noqa: N812

from tests.builders import DAY, at, event, feed_row
from uae_model.config import Config, parse_config
from uae_model.config.load import read_profile
from uae_model.core.errors import InputError
from uae_model.ingest import parse_rows
from uae_model.ingest.raw import source_columns
from uae_model.lake import contract_for
from uae_model.lake.contracts import FEED_SLOT

KEY = b"a test key of 32 bytes, no more!"
SIX_HOURS = 6 * 3_600_000
TOO_LONG = "played_ms is longer than sessions.max_play_hours = 6"
NEVER_SET = "starts before feed.earliest_date = 2000-01-01: was the clock set?"

REASONS: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "good": ({}, None, None),
    "optional columns empty": ({"played_ms": None, "device": None, "song_popularity": None}, None, None),
    "no user": ({"user_id": None}, "user_id is missing", None),
    "blank user": ({"user_id": "  "}, "user_id is missing", None),
    "a user of a tab": ({"user_id": "\t"}, "user_id is missing", None),
    "a user of blanks that do not break": ({"user_id": " \u00a0\u3000"}, "user_id is missing", None),
    "a user without a width": ({"user_id": "\ufeff\u200b"}, "user_id is missing", None),
    "a user of a null byte": ({"user_id": "\0"}, "user_id is missing", None),
    "a user with blanks inside": ({"user_id": "\u00a0u\t"}, None, None),
    "no song": ({"song_id": None}, "song_id is missing", None),
    "no time": ({"played_at": None}, "played_at is missing", None),
    "no feedback": ({"feedback": ""}, "feedback is missing", None),
    "unparsable time": ({"played_at": "yesterday"}, "played_at cannot be read", "yesterday"),
    "blank time": ({"played_at": " "}, "played_at cannot be read", " "),
    "month 13": ({"played_at": "2026-13-05T10:00:00Z"}, "played_at cannot be read", "2026-13-05T10:00:00Z"),
    "a clock without a day": ({"played_at": "10:00:00"}, "played_at cannot be read", "10:00:00"),
    "a year alone": ({"played_at": "2026"}, "played_at cannot be read", "2026"),
    "unknown feedback": ({"feedback": "LIKE"}, "unknown feedback", "LIKE"),
    "negative duration": ({"played_ms": "-1"}, "played_ms is negative", "-1"),
    "zero duration": ({"played_ms": "0"}, None, None),
    "duration in words": ({"played_ms": "long"}, "played_ms is no number", "long"),
    **{
        f"duration as Java writes it, {text}": ({"played_ms": text}, "played_ms is no number", text)
        for text in ("30d", "30D", "30f", "30F", "0x1p3", "Infinity")
    },
    "duration with an exponent": ({"played_ms": "3e4"}, None, None),
    "duration NaN": ({"played_ms": "NaN"}, "played_ms is no number", "NaN"),
    "duration at the limit": ({"played_ms": str(SIX_HOURS)}, None, None),
    "duration over the limit": ({"played_ms": str(SIX_HOURS + 1)}, TOO_LONG, str(SIX_HOURS + 1)),
    "duration that no integer holds": ({"played_ms": "1e300"}, TOO_LONG, "1e300"),
    "first moment too far ahead": (
        {"played_at": "2026-01-06T01:00:00Z"},
        "starts after the feed's day",
        "2026-01-06 01:00:00",
    ),
    "last moment near enough": ({"played_at": "2026-01-06T00:59:59.999999Z"}, None, None),
    "far future": (
        {"played_at": "2999-01-01T00:00:00Z"},
        "starts after the feed's day",
        "2999-01-01 00:00:00",
    ),
    "first moment not too late": ({"played_at": "2026-01-02T00:00:00Z"}, None, None),
    "last moment too late": (
        {"played_at": "2026-01-01T23:59:59.999999Z"},
        "is later than feed.late_days = 3 allows",
        "2026-01-01 23:59:59.999999",
    ),
    "a clock never set": ({"played_at": "1970-01-01T00:00:09Z"}, NEVER_SET, "1970-01-01 00:00:09"),
    "number in words": ({"song_popularity": "high"}, "feature song_popularity is no number", "high"),
    "number as Java writes it": (
        {"song_popularity": "0.5f"},
        "feature song_popularity is no number",
        "0.5f",
    ),
    "number NaN": ({"genre_affinity": "NaN"}, "feature genre_affinity is no number", "NaN"),
    "number infinite": ({"genre_affinity": "-Infinity"}, "feature genre_affinity is no number", "-Infinity"),
    "two faults": ({"user_id": None, "feedback": "clap"}, "user_id is missing; unknown feedback", "clap"),
    "two values": (
        {"played_ms": "-1", "feedback": "clap"},
        "unknown feedback; played_ms is negative",
        "clap; -1",
    ),
}


def default_config(**sections: dict[str, Any]) -> Config:
    return parse_config({**read_profile("default"), **sections})


def parse(
    spark: SparkSession, config: Config, rows: dict[str, dict[str, Any] | None], day: Any = DAY
) -> dict[str, Row]:
    """Parse rows of text, each a good default row with changes, and return them by their name."""
    columns = source_columns(config)
    fields = T.StructType([T.StructField(name, T.StringType()) for name in columns])
    schema = T.StructType([T.StructField(name, T.StringType()) for name in ("source", "raw")])
    good = {**feed_row(event("e", "10:00")), "played_at": "2026-01-05T10:00:00Z"}
    data = []
    for name, changes in rows.items():
        text = {
            key: None if value is None else str(value) for key, value in {**good, **(changes or {})}.items()
        }
        data.append((name, name, None if changes is None else tuple(text.get(column) for column in columns)))
    frame = spark.createDataFrame(data, schema.add("fields", fields))
    return {row["source"]: row for row in parse_rows(frame, config, day, KEY).collect()}


@pytest.fixture(scope="module")
def parsed(spark: SparkSession) -> dict[str, Row]:
    """All rows of ``REASONS`` in one Spark job, and one that could not be split into columns."""
    rows: dict[str, dict[str, Any] | None] = {name: changes for name, (changes, *_) in REASONS.items()}
    return parse(spark, default_config(), {**rows, "malformed": None})


@pytest.mark.parametrize("name", REASONS)
def test_a_bad_row_says_what_is_wrong_and_which_value_shows_it(parsed: dict[str, Row], name: str) -> None:
    assert (parsed[name]["reason"], parsed[name]["value"]) == REASONS[name][1:]


def test_a_row_that_could_not_be_split_has_this_one_reason(parsed: dict[str, Row]) -> None:
    assert parsed["malformed"]["reason"] == "the row cannot be split into columns"


def test_a_good_row_has_the_columns_of_events_with_their_types(parsed: dict[str, Row]) -> None:
    row = parsed["good"].asDict()
    contract = contract_for("events", default_config())
    columns = [name for name in contract.columns if name != FEED_SLOT]  # known to the step
    assert list(row) == ["source", "raw", "forgotten", "report", "reason", "value", *columns]
    assert row["played_at"].astimezone(UTC) == at("10:00")
    assert (row["dt"], row["played_ms"], row["feedback"]) == (DAY, 180_000, "auto_play")
    assert (row["song_popularity"], row["genre_affinity"], row["device"]) == (0.5, -0.25, "phone")
    assert row["event_id"] == "e"


def test_the_user_id_is_a_pseudonym_everywhere(parsed: dict[str, Row]) -> None:
    row = parsed["good"]
    assert len(row["user_id"]) == 64
    assert row["user_id"] != "u1"


def test_an_offset_moves_a_play_to_its_utc_day(spark: SparkSession) -> None:
    rows = parse(spark, default_config(), {"east": {"played_at": "2026-01-05T01:30:00+02:00"}})
    assert rows["east"]["played_at"].astimezone(UTC) == at("04 23:30")
    assert rows["east"]["dt"] == at("04 23:30").date()


def test_seconds_that_are_zero_may_be_left_out(spark: SparkSession) -> None:
    times = ("2026-01-05T10:00Z", "2026-01-05 11:00+01:00", "2026-01-05T05:00 America/New_York")
    rows = parse(
        spark, default_config(), {text: {"played_at": text} for text in (*times, "2026-01-05T10:00 PM")}
    )
    assert [rows[text]["played_at"].astimezone(UTC) for text in times] == [at("10:00")] * 3
    assert rows["2026-01-05T10:00 PM"]["reason"] == "played_at cannot be read"


def test_without_ids_exact_duplicates_share_an_id_and_others_do_not(spark: SparkSession) -> None:
    no_id = {"event_id": None}
    rows = parse(
        spark,
        default_config(),
        {
            "a": no_id,
            "again": {**no_id, "feedback": "like"},
            "other user": {**no_id, "user_id": "u2"},
            "other song": {**no_id, "song_id": "s2"},
            "later": {**no_id, "played_at": "2026-01-05T10:00:00.000001Z"},
        },
    )
    ids = {name: row["event_id"] for name, row in rows.items()}
    assert ids["a"] == ids["again"]
    assert len(set(ids.values())) == 4
    assert all(len(each) == 32 for each in ids.values())


def test_an_id_made_here_does_not_betray_the_user_to_who_lacks_the_key(spark: SparkSession) -> None:
    config = default_config()
    columns = source_columns(config)
    fields = ", ".join(f"{name}: string" for name in columns)
    schema = f"source string, raw string, fields struct<{fields}>"
    good = {**feed_row(event("e", "10:00")), "played_at": "2026-01-05T10:00:00Z", "event_id": None}
    row = tuple(None if good[name] is None else str(good[name]) for name in columns)
    frame = spark.createDataFrame([("s", "r", row)], schema)
    one, other = (
        parse_rows(frame, config, DAY, key).select("event_id").collect()[0]["event_id"]
        for key in (KEY, KEY[::-1])
    )
    assert one != other  # else a guess at a user id could be checked against the table


@pytest.mark.parametrize(
    ("time_format", "written"),
    [
        ("epoch_seconds", "1767607200"),
        ("epoch_millis", "1767607200000"),
        ("epoch_micros", "1767607200000000"),
    ],
)
def test_epochs(spark: SparkSession, time_format: str, written: str) -> None:
    config = default_config(feed={"time_format": time_format})
    bad = {"words": "today", "negative": "-5", "huge": "1e30", "not a number": "NaN", "Java": f"{written}d"}
    rows = parse(
        spark,
        config,
        {"good": {"played_at": written}, **{name: {"played_at": text} for name, text in bad.items()}},
    )
    assert rows["good"]["played_at"].astimezone(UTC) == at("10:00")
    assert {name: (rows[name]["reason"], rows[name]["value"]) for name in bad} == {
        name: ("played_at cannot be read", text) for name, text in bad.items()
    }


def test_no_feedback_means_what_the_map_says_and_seconds_are_milliseconds(spark: SparkSession) -> None:
    feedback_map = {"": "auto_play", "skip": "skip"}
    config = default_config(feed={"feedback_map": feedback_map, "played_unit": "seconds"})
    rows = parse(
        spark,
        config,
        {
            "empty": {"feedback": None, "played_ms": "90.5"},
            "blank": {"feedback": "  ", "played_ms": str(6 * 3600 + 1)},
            "skip": {"feedback": " skip ", "played_ms": None},
        },
    )
    assert [rows[name]["feedback"] for name in ("empty", "blank", "skip")] == [
        "auto_play",
        "auto_play",
        "skip",
    ]
    assert [rows[name]["played_ms"] for name in ("empty", "skip")] == [90_500, None]
    assert rows["blank"]["reason"] == TOO_LONG


def test_where_the_feed_gives_the_end_the_duration_leads_to_the_start(spark: SparkSession) -> None:
    config = default_config(feed={"time_of": "end"})
    rows = parse(
        spark,
        config,
        {
            "known": {"played_ms": "90500"},
            "unknown": {"played_ms": None},
            "not a number": {"played_ms": "NaN"},
            "huge": {"played_ms": "1e300"},
            "negative": {"played_ms": "-1"},
        },
    )
    assert rows["known"]["played_at"].astimezone(UTC) == datetime(2026, 1, 5, 9, 58, 29, 500_000, UTC)
    assert rows["unknown"]["played_at"].astimezone(UTC) == at("10:00")
    reasons = {name: rows[name]["reason"] for name in ("not a number", "huge", "negative")}
    assert reasons == {
        "not a number": "played_ms is no number",
        "huge": TOO_LONG,
        "negative": "played_ms is negative",
    }


def test_column_and_feedback_maps_come_from_the_configuration(spark: SparkSession) -> None:
    config = default_config(
        feed={
            "columns": {"song_id": "track", "feedback": "action", "device": "gadget"},
            "feedback_map": {"heart": "like", "next": "skip", "end": "auto_play"},
        }
    )
    rows = parse(
        spark,
        config,
        {
            "heart": {"track": "t9", "action": "heart", "gadget": "radio"},
            "like": {"track": "t9", "action": "like", "gadget": "radio"},
        },
    )
    assert (rows["heart"]["song_id"], rows["heart"]["feedback"], rows["heart"]["device"]) == (
        "t9",
        "like",
        "radio",
    )
    assert (rows["like"]["reason"], rows["like"]["value"]) == (
        "unknown feedback",
        "like",
    )  # the source's values count, not ours


def test_a_static_dataset_refuses_only_what_lies_in_the_future(spark: SparkSession) -> None:
    rows = parse(
        spark,
        default_config(),
        {"old": {"played_at": "2004-01-01T00:00:00Z"}, "future": {"played_at": "2999-01-01T00:00:00Z"}},
        day=None,
    )
    assert rows["old"]["reason"] is None
    assert (rows["future"]["reason"], rows["future"]["value"]) == (
        "starts in the future",
        "2999-01-01 00:00:00",
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"song_id": "track"}, "no column 'track' for song_id; its columns are .*; set feed.columns.song_id"),
        ({"played_ms": "length"}, "no column 'length' for played_ms"),
        ({"genre": "style"}, "no column 'style', which feature 'genre' reads; .* or drop the feature"),
    ],
)
def test_a_column_that_the_feed_lacks_is_named(
    spark: SparkSession, columns: dict[str, str], message: str
) -> None:
    present = ", ".join(f"{name}: string" for name in source_columns(default_config()))
    frame = spark.createDataFrame([], f"source string, raw string, fields struct<{present}>")
    with pytest.raises(InputError, match=message):
        parse_rows(frame, default_config(feed={"columns": columns}), DAY, KEY)
