"""Spotify's session log: sessions written by hand in its 21 columns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from tests.builders import mssd_row, write_mssd
from tests.ingest.datasets import parse_dataset
from uae_model.config import Config, load_config
from uae_model.core.errors import InputError

SIX = datetime(2018, 7, 16, 6, tzinfo=UTC)

LINES = [
    mssd_row("plain", 2, "trackdone", premium="false", short_pause_before_play=1),
    mssd_row("plain", 3, "fwdbtn", hist_user_behavior_is_shuffle="true"),
    mssd_row("plain", 4, "backbtn", context_switch=1),
    mssd_row("plain", 5, "remote"),
    mssd_row("plain", 6, "endplay"),
    # Over midnight: the date and the hour move on, the session's clock does not start again.
    mssd_row("night", 2, hour_of_day=23, date="2018-07-15"),
    mssd_row("night", 20, hour_of_day=0),
    mssd_row("broken", "two"),
    mssd_row("broken", 3, date="16.07.2018"),
    mssd_row("broken", 4, hour_of_day="six"),
    mssd_row("broken", 5, "applause"),
    mssd_row("broken", 6, track_id_clean=""),
    "broken,7",
    mssd_row("broken", 999_999_999),
    mssd_row("broken", 0),
    mssd_row("broken", 21),
    mssd_row("broken", 8, hour_of_day=24),
]


@pytest.fixture(scope="module")
def parsed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """Rows of ``LINES`` by session and position, and one under the name of its text."""
    folder = tmp_path_factory.mktemp("mssd")
    write_mssd(folder / "mssd", LINES)
    (folder / "uae.toml").touch()
    return {_name(row): row for row in parse_dataset(spark, load_config(folder / "uae.toml", profile="mssd"))}


def _name(row: Row) -> str:
    session, position, *_ = row["raw"].split(",")
    return f"{session}:{position}"


def test_every_line_is_there_but_the_header(parsed: dict[str, Row]) -> None:
    assert len(parsed) == len(LINES)


def test_plays_lie_three_minutes_apart_from_the_hour_of_their_session(parsed: dict[str, Row]) -> None:
    for position in range(2, 7):
        row = parsed[f"plain:{position}"]
        assert row["reason"] is None
        assert row["played_at"].astimezone(UTC) == SIX + timedelta(minutes=3 * (position - 1))
        assert row["played_ms"] is None


def test_a_session_over_midnight_goes_on_from_its_first_hour(parsed: dict[str, Row]) -> None:
    started = datetime(2018, 7, 15, 23, tzinfo=UTC)
    assert parsed["night:2"]["played_at"].astimezone(UTC) == started + timedelta(minutes=3)
    assert parsed["night:20"]["played_at"].astimezone(UTC) == started + timedelta(minutes=57)
    assert parsed["night:20"]["dt"] == started.date()


def test_each_session_is_a_user_of_its_own_and_each_play_an_event(parsed: dict[str, Row]) -> None:
    users = {name.split(":")[0]: row["user_id"] for name, row in parsed.items() if row["reason"] is None}
    assert len(set(users.values())) == 2
    assert parsed["plain:2"]["user_id"] == parsed["plain:6"]["user_id"]
    assert len(users["plain"]) == 64
    assert len({row["event_id"] for row in parsed.values() if row["reason"] is None}) == 7
    assert parsed["plain:2"]["song_id"] == "t_2"


def test_active_is_what_the_listener_ended_by_hand(parsed: dict[str, Row]) -> None:
    assert [parsed[f"plain:{position}"]["feedback"] for position in range(2, 7)] == [
        *("auto_play", "skip", "skip", "skip", "auto_play"),
    ]


def test_features_come_from_what_was_known_when_the_play_started(parsed: dict[str, Row]) -> None:
    names = ("hour", "premium", "context_type", "reason_start", "context_switch", "short_pause", "is_shuffle")
    assert [parsed["plain:2"][name] for name in names] == [
        *("6", "false", "radio", "trackdone", "0", "1", "false"),
    ]
    assert parsed["plain:3"]["is_shuffle"] == "true"
    assert parsed["plain:4"]["context_switch"] == "1"


@pytest.mark.parametrize(
    ("name", "reason", "value"),
    [
        ("broken:two", "session_position is not 1 to 20", "two"),
        ("broken:3", "date is not YYYY-MM-DD", "16.07.2018"),
        ("broken:4", "hour_of_day is not 0 to 23", "six"),
        ("broken:5", "unknown feedback", "applause"),
        ("broken:6", "song_id is missing", None),
        ("broken:7", "the row cannot be split into columns", "2 values under 21 columns"),
        ("broken:21", "session_position is not 1 to 20", "21"),
        ("broken:8", "hour_of_day is not 0 to 23", "24"),
        ("broken:999999999", "session_position is not 1 to 20", "999999999"),
        ("broken:0", "session_position is not 1 to 20", "0"),
    ],
)
def test_a_broken_row_is_told_apart_and_harms_no_other(
    parsed: dict[str, Row], name: str, reason: str, value: str | None
) -> None:
    assert (parsed[name]["reason"], parsed[name]["value"]) == (reason, value)


def test_a_file_without_one_of_the_columns_is_refused(
    spark: SparkSession, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    write_mssd(tmp_path / "mssd", [])
    file = next((tmp_path / "mssd").iterdir())
    file.rename(file.with_name("log.csv"))
    (tmp_path / "mssd" / "log.csv").write_text("session_id,session_position,track_id_clean,date\n")
    with pytest.raises(
        InputError, match=r"no column hist_user_behavior_reason_end, premium, .* in the header"
    ):
        parse_dataset(spark, make_config(profile="mssd"))
