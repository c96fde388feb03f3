"""Values of a feed as workers read them, against hand-checked ones and against Spark's own casts."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.ingest.typed_values import (
    ValueFault,
    by_distinct,
    instants,
    micros_of,
    numbers,
    reasons_and_values,
    shown_instant,
    trimmed,
    whole_numbers,
)

TO_THE_MINUTE = r"^(\s*\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d{2})(?=[^\d:])"
"""Java leaves out seconds that are zero, as ISO 8601 allows; before a zone Spark wants them."""

TEN = int(datetime(2026, 1, 5, 10, tzinfo=UTC).timestamp()) * 1_000_000

TIMES: dict[str, int | None] = {
    "2026-01-05T10:00:00Z": TEN,
    "2026-01-05 10:00:00": TEN,
    " 2026-01-05 10:00:00 ": TEN,
    "2026-01-05T10:00:00.5Z": TEN + 500_000,
    "2026-01-05 10:00:00.123456789": TEN + 123_456,
    "2026-1-5 10:00": TEN,
    "2026-01-05 10": TEN,
    "2026-01-05T12:00:00+02:00": TEN,
    "2026-01-05T12:00:00+0200": TEN,
    "2026-01-05T12:00:00+2:00": TEN,
    "2026-01-05T11:00:00 Europe/Berlin": TEN,
    "2026-01-05T10:00:00 UTC": TEN,
    "2026-01-05T12:00:00 UTC+02:00": TEN,
    "2026-01-05": TEN - 10 * 3_600_000_000,
    "2026-03-29T02:30:00 Europe/Berlin": int(datetime(2026, 3, 29, 1, 30, tzinfo=UTC).timestamp()) * 10**6,
    "2026-10-25T02:30:00 Europe/Berlin": int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()) * 10**6,
    "2026-13-05T10:00:00Z": None,
    "2026-02-30": None,
    "2026-01-05T24:00:00": None,
    "2026-01-05T10:00:00 Nowhere/Atall": None,
    "2026-01-05T10:00:00+19:00": None,
    "2026": None,
    "10:00:00": None,
    "yesterday": None,
    "": None,
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time_alone_and_in_any_company(text: str) -> None:
    assert micros_of(text) == TIMES[text]
    for company in ("2026-01-05T10:00:00Z", "2026-01-05 10:00:00", "never"):
        read = instants(pa.array([text, company, None]), "iso").cast(pa.int64()).to_pylist()
        assert read[0] == TIMES[text]
        assert read[2] is None


def test_numbers_as_programs_write_them() -> None:
    texts = ["7", "+7.0", " 7e0 ", ".5", "5.", "-1E-2", "NaN", "-Infinity", "1e400"]
    read = numbers(pa.array([*texts, "seven", "1_000", "0x10", "", None])).to_pylist()
    assert read[:6] == [7.0, 7.0, 7.0, 0.5, 5.0, -0.01]
    assert np.isnan(read[6])
    assert read[7:9] == [-np.inf, np.inf]
    assert read[9:] == [None] * 5


def test_epochs_outside_of_all_time_are_none() -> None:
    read = instants(pa.array(["1767607200.25", "-1", "1e30", "nan", None]), "epoch_seconds").cast(pa.int64())
    assert read.to_pylist() == [TEN + 250_000, None, None, None, None]


def test_whole_numbers_lose_their_fraction_and_none_is_beyond_64_bits() -> None:
    values = pa.array([1.9, -1.9, 2.0**62, 2.0**63, -(2.0**63), float("nan"), float("inf"), None])
    assert whole_numbers(values).to_pylist() == [1, -1, 2**62, None, -(2**63), None, None, None]


def test_blank_is_missing_and_spaces_alone_are_left_out() -> None:
    assert trimmed(pa.array([" a b ", "   ", "", "\ta", None])).to_pylist() == [
        "a b",
        None,
        None,
        "\ta",
        None,
    ]


def test_each_distinct_text_is_asked_for_once() -> None:
    asked: list[str] = []

    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    assert by_distinct(pa.array(["aa", "b", None, "aa"]), length, pa.int64()).to_pylist() == [2, 1, None, 2]
    assert asked == ["aa", "b"]


def test_a_time_is_shown_as_spark_shows_it() -> None:
    assert shown_instant(TEN) == "2026-01-05 10:00:00"
    assert shown_instant(TEN + 1_500) == "2026-01-05 10:00:00.0015"
    assert shown_instant(None) is None


def test_reasons_join_in_their_order_and_only_where_they_are_looked_for() -> None:
    faults = [
        ValueFault(np.array([True, True, False]), "first", lambda rows: [f"v{row}" for row in rows]),
        ValueFault(np.array([True, False, True]), "second"),
    ]
    reasons, values = reasons_and_values(faults, np.array([True, False, True]))
    assert reasons == {0: "first; second", 2: "second"}
    assert values == {0: "v0"}


def _written_times(rng: random.Random) -> str:
    """Return a time as some program might write it, or a damaged one."""
    day = f"{rng.choice(['2026', '2024', '1901', '9998'])}-{rng.choice(['1', '01', '2', '12', '13'])}"
    text = f"{day}-{rng.choice(['1', '05', '29', '31', '00'])}"
    if rng.random() < 0.9:
        text += rng.choice([" ", "T"]) + rng.choice(["0", "10", "23", "24"])
        for part in (":0", ":59", ":60", ":05")[: rng.randrange(5)][:2]:
            text += part
        text += rng.choice(["", ".", ".5", ".123456", ".1234567"])
        zones = (
            "",
            "Z",
            "+02:00",
            "-0530",
            "+2",
            " UTC",
            "GMT+1",
            " Europe/Berlin",
            "+18:00",
            "+18:01",
            " x",
        )
        text += rng.choice(zones)
    if rng.random() < 0.2:
        place = rng.randrange(len(text) + 1)
        text = text[:place] + rng.choice(" -:.ZT0x") + text[place:]
    return text


def _written_numbers(rng: random.Random) -> str:
    figures = ("7", "0", "12.5", ".5", "5.", "1e5", "1E-300", "1e400", "nan", "Infinity")
    text = rng.choice(["", "-", "+"]) + rng.choice(figures)
    if rng.random() < 0.3:
        place = rng.randrange(len(text) + 1)
        text = text[:place] + rng.choice(" _,e.-+x0") + text[place:]
    return text


@pytest.mark.spark
def test_spark_reads_the_same(spark: SparkSession) -> None:
    rng = random.Random(5)
    times = [_written_times(rng) for _ in range(4_000)] + list(TIMES)
    figures = [_written_numbers(rng) for _ in range(len(times))]
    frame = spark.createDataFrame(list(zip(times, figures, strict=True)), "time string, number string")
    has_day = F.col("time").rlike(r"^\s*\d{4}-\d{1,2}-\d{1,2}")
    with_seconds = F.regexp_replace("time", TO_THE_MINUTE, "$1:00").try_cast("timestamp")
    time = F.coalesce(F.col("time").try_cast("timestamp"), with_seconds)
    rows = frame.select(
        "time",
        "number",
        F.unix_micros(F.when(has_day, time)).alias("micros"),
        F.col("number").try_cast("double").alias("double"),
    ).collect()
    ours = numbers(pa.array([row["number"] for row in rows])).to_pylist()
    other_times = {row["time"]: row["micros"] for row in rows if micros_of(row["time"]) != row["micros"]}
    other_numbers = {
        row["number"]: row["double"]
        for row, number in zip(rows, ours, strict=True)
        if not (number == row["double"] or (number != number and row["double"] != row["double"]))
    }
    assert (dict(list(other_times.items())[:20]), other_numbers) == ({}, {})
