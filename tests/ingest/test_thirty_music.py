"""30-Music: sessions become plays, loves find theirs, every line is accounted for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from tests.ingest.datasets import (
    THIRTY_MUSIC,
    THIRTY_MUSIC_PLAYS,
    dataset_config,
    parse_dataset,
    write_lines,
    write_thirty_music,
)
from uae_model.core.errors import InputError

STARTED = datetime.fromtimestamp(1_390_231_051, UTC)


@pytest.fixture(scope="module")
def parsed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("30music")
    write_thirty_music(folder)
    return parse_dataset(spark, dataset_config(folder, "30music"))


@pytest.fixture(scope="module")
def plays(parsed: list[Row]) -> dict[str, Row]:
    """Rows of the first session by their name."""
    names = {play: name for name, play in THIRTY_MUSIC_PLAYS.items()}
    mine = [row for row in parsed if row["raw"].startswith("event.session\t1\t1390231051\t{")]
    assert len(mine) == len(names)
    return {names[row["raw"].split("\t")[3]]: row for row in mine}


def test_a_play_starts_its_playstart_after_its_session(plays: dict[str, Row]) -> None:
    row = plays["left early"]
    assert row["played_at"].astimezone(UTC) == STARTED + timedelta(seconds=300)
    assert (row["song_id"], row["played_ms"]) == ("13", 80_000)
    assert plays["of unknown length"]["played_ms"] is None


@pytest.mark.parametrize(
    ("name", "feedback"),
    [
        ("played in full", "auto_play"),
        ("without a ratio", "auto_play"),
        ("left early", "skip"),
        ("loved", "like"),
        ("loved but left", "skip"),
        ("skipped by name", "skip"),
        ("of unknown length", "auto_play"),
    ],
)
def test_what_a_play_says(plays: dict[str, Row], name: str, feedback: str) -> None:
    assert (plays[name]["feedback"], plays[name]["reason"]) == (feedback, None)


def test_a_love_is_its_users_alone_and_a_session_twice_is_one(parsed: list[Row]) -> None:
    others = [row for row in parsed if row["raw"].startswith("event.session\t2\t")]
    assert [row["feedback"] for row in others] == ["auto_play"] * 2
    assert len({row["event_id"] for row in others}) == 1


def test_tracks_give_their_features_once(plays: dict[str, Row]) -> None:
    features = ("artist", "album", "tag", "duration")
    assert [plays["played in full"][name] for name in features] == ["21", None, "31", 200_000.0]
    assert [plays["without a ratio"][name] for name in features] == ["22", None, None, None]
    assert [plays["loved"][name] for name in features] == [None] * 4


def test_every_other_line_says_why_it_is_no_play(parsed: list[Row], plays: dict[str, Row]) -> None:
    assert plays["without a start"]["reason"] == "played_at is missing"
    assert plays["without a track"]["reason"] == "song_id is missing"
    reasons = {row["raw"]: row["reason"] for row in parsed if row["reason"] and row not in plays.values()}
    empty, broken = THIRTY_MUSIC["relations/sessions.idomaar"][3:]
    unplayed, no_love = THIRTY_MUSIC["relations/love.idomaar"][2:]
    assert reasons == {
        empty: "the line is no session with plays",
        broken: "the line is no session with plays",
        unplayed: "the user never played the loved track",
        no_love: "the line is no love of a user for a track",
        THIRTY_MUSIC["entities/tracks.idomaar"][-1]: "the line is no track",
    }


def test_all_three_files_are_needed(spark: SparkSession, tmp_path: Path) -> None:
    write_lines(tmp_path / "30music" / "relations" / "sessions.idomaar", [])
    with pytest.raises(InputError, match=r"no relations/love.idomaar, entities/tracks.idomaar"):
        parse_dataset(spark, dataset_config(tmp_path, "30music"))
