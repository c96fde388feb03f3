"""Yambda: likes and dislikes find their listens; the last opinion counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from tests.ingest.datasets import (
    YAMBDA,
    dataset_config,
    parse_dataset,
    write_yambda,
    write_yambda_apart,
)
from uae_model.config import Config
from uae_model.core.errors import InputError
from uae_model.ingest.yambda import COLUMNS, NO_LISTEN, yambda_fields

TOO_FAR = NO_LISTEN
MIDNIGHT = datetime(2020, 1, 2, tzinfo=UTC)
"""When 86,400 is."""


def name_of(raw: str) -> str:
    said = {name: value for name, value in json.loads(raw).items() if value is not None}
    return next(
        name
        for name, row in YAMBDA.items()
        if {column: str(value) for column, value in row.items() if value is not None} == said
    )


@pytest.fixture(scope="module")
def parsed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """Rows by their name in ``YAMBDA``."""
    folder = tmp_path_factory.mktemp("yambda")
    write_yambda(folder)
    rows = parse_dataset(spark, dataset_config(folder, "yambda"))
    assert len(rows) == len(YAMBDA)
    return {name_of(row["raw"]): row for row in rows}


def test_times_count_from_the_origin_and_lengths_from_the_share(parsed: dict[str, Row]) -> None:
    row = parsed["left early"]
    assert row["played_at"].astimezone(UTC) == MIDNIGHT + timedelta(seconds=200)
    assert (row["played_ms"], row["duration_seconds"], row["is_organic"]) == (98_000, 200.0, "0")
    assert parsed["played again from the middle"]["played_ms"] == 300_000


@pytest.mark.parametrize(
    ("name", "feedback"),
    [
        ("played in full", "auto_play"),
        ("left early", "skip"),
        ("half", "auto_play"),
        ("its like", "like"),
        ("liked at its end", "auto_play"),  # taken back later
        ("taken back", "dislike"),
    ],
)
def test_what_each_row_says(parsed: dict[str, Row], name: str, feedback: str) -> None:
    assert parsed[name]["feedback"] == feedback


@pytest.mark.parametrize(
    ("action", "listen"),
    [("its like", "played in full"), ("taken back", "played again from the middle")],
)
def test_an_action_says_its_listen_once_more(parsed: dict[str, Row], action: str, listen: str) -> None:
    same = ("event_id", "user_id", "song_id", "played_at", "played_ms", "is_organic", "duration_seconds")
    assert [parsed[action][name] for name in same] == [parsed[listen][name] for name in same]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("too late", TOO_FAR),
        ("never played", TOO_FAR),
        ("another user", TOO_FAR),
        ("before the song", TOO_FAR),
        ("nobody", "user_id is missing"),
        ("unknown event", "unknown event"),
    ],
)
def test_what_is_no_listen_and_acts_on_none(parsed: dict[str, Row], name: str, reason: str) -> None:
    assert parsed[name]["reason"] == reason


def test_a_file_for_each_event_gives_the_same_plays(
    spark: SparkSession, tmp_path: Path, parsed: dict[str, Row]
) -> None:
    write_yambda_apart(tmp_path)
    rows = parse_dataset(spark, dataset_config(tmp_path, "yambda"))
    assert len(rows) == len(YAMBDA) - 1
    apart = {(row["event_id"], row["feedback"]) for row in rows if row["reason"] is None}
    assert apart == {(row["event_id"], row["feedback"]) for row in parsed.values() if row["reason"] is None}


def actions(spark: SparkSession, config: Config, *rows: tuple[int, str]) -> list[Any]:
    """Return what becomes of events of one user and song, given by time and kind."""
    data = [("s", f"{w}", None, None, None, "1", float(w), "2", "0", 100.0, 200.0, kind) for w, kind in rows]
    schema = "source STRING, raw STRING, report STRING, problem STRING, value STRING, " + ", ".join(
        f"{name} {kind}" for name, kind in COLUMNS.items()
    )
    found = yambda_fields(spark.createDataFrame(data, schema), config).orderBy("raw").collect()
    return [row["problem"] or (row["fields"]["played_at"], row["fields"]["feedback"]) for row in found]


def test_the_last_listen_counts_and_the_end_may_be_what_the_time_means(
    spark: SparkSession, make_config: Callable[..., Config]
) -> None:
    events = [(1000, "listen"), (2000, "listen"), (2100, "like")]
    for overrides, expected in (
        ([], [(1000, "listened"), (2000, "listened"), (2000, "like")]),
        (["feed.time_of=end"], [(1000, "listened"), (2000, "listened"), (2000, "like")]),
        (
            ["feed.time_of=end", "feed.action_minutes=1"],
            TOO_FAR,
        ),
    ):
        found = actions(spark, make_config(*overrides, profile="yambda"), *events)
        origin = 1_577_836_800
        plays = [(at - origin, what) for at, what in (row for row in found if not isinstance(row, str))]
        assert (found[-1] if isinstance(expected, str) else plays) == expected


def test_a_folder_without_listens_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "yambda").mkdir()
    with pytest.raises(InputError, match=r"feed slot yambda: no data files under .*yambda"):
        parse_dataset(spark, dataset_config(tmp_path, "yambda", "paths.feed=yambda"))
