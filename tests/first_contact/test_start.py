"""A configuration for files of strangers: what it says, that it reads them, and what it leaves open."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs import cli
from tests.first_contact.files_of_strangers import ROWS, STRANGERS, Stranger, plays, write_csv
from uae_model.core.errors import InputError, UsageError
from uae_model.first_contact import write_first_settings
from uae_model.ingest.files import FilePart, read_part
from uae_model.ingest.raw import plays_layout
from uae_model.lake import TableStore
from uae_model.pipeline.check import check_day


def part_of(file: Path) -> FilePart:
    return FilePart(str(file), file.name, file.stat().st_size)


def opened(part: FilePart) -> BinaryIO:
    return Path(part.path).open("rb")


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.name)
def test_each_kind_of_file_is_understood(stranger: Stranger, tmp_path: Path) -> None:
    written = write_first_settings(stranger.write(tmp_path), tmp_path / "shop")
    look, config = written.look, written.config
    assert {target: guess.column for target, guess in look.roles.items()} == stranger.columns
    assert config.feed.columns == stranger.columns
    assert config.feed.feedback_map == stranger.meanings
    assert config.feed.time_format == stranger.time_format
    assert {feature.name for feature in config.features.of_origin("feed")} == stranger.features
    assert bool(look.gaps()) == bool(stranger.unknown_rows)
    assert look.sample.is_whole == (len(look.sample.files) <= 3)


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.name)
def test_ingest_reads_each_of_them_by_its_settings(stranger: Stranger, tmp_path: Path) -> None:
    written = write_first_settings(stranger.write(tmp_path), tmp_path)
    layout, rows = plays_layout(written.config), 0
    for file in written.look.sample.files:
        *batches, report = read_part(part_of(file), layout, opened)
        told = json.loads(report.column("report")[0].as_py())
        assert told["error"] == ""
        assert not set(told["absent"]) & set(stranger.columns.values())
        for batch in batches:
            assert batch.column("problem").null_count == batch.num_rows
            rows += batch.num_rows
    assert rows == ROWS


def test_check_judges_every_row_of_every_kind_as_good(spark: SparkSession, tmp_path: Path) -> None:
    for stranger in STRANGERS:
        folder = tmp_path / stranger.name
        folder.mkdir()
        written = write_first_settings(stranger.write(folder), folder)
        place, unknown = written.look.place, stranger.unknown_rows
        (seen,) = check_day(TableStore(spark, written.config), place.check_day)
        assert seen.rows == (ROWS if not place.is_daily else seen.rows), stranger.name
        assert seen.reasons == ({"unknown feedback": unknown} if unknown else {}), stranger.name
        assert not set(seen.missing) & set(stranger.columns.values()), stranger.name


def test_a_delivery_by_day_is_a_template_and_a_single_file_is_none(tmp_path: Path) -> None:
    by_name = {stranger.name: stranger for stranger in STRANGERS}
    daily = write_first_settings(by_name["daily_folders"].write(tmp_path), tmp_path / "a")
    assert daily.config.paths.feed == str(tmp_path / "lake" / "day={date}")
    assert daily.config.feed.complete_marker == ""
    # Days of a zone five hours behind reach as far into the next day.
    files = write_first_settings(by_name["a_file_a_day"].write(tmp_path), tmp_path / "b")
    assert files.config.paths.feed == str(tmp_path / "days" / "plays-{date}.csv")
    assert (files.config.feed.future_hours, files.config.feed.encoding) == (5.0, "cp1252")
    single = write_first_settings(by_name["pandas_csv"].write(tmp_path), tmp_path / "c")
    assert single.config.paths.feed == str(tmp_path / "export.csv")
    assert (single.config.training.window_days, single.days_needed) == (3, 5)


def test_what_to_run_next_is_said_up_to_the_first_weights(tmp_path: Path) -> None:
    by_name = {stranger.name: stranger for stranger in STRANGERS}
    single = write_first_settings(by_name["pandas_csv"].write(tmp_path), tmp_path / "my shop")
    config = f"--config '{tmp_path}/my shop/uae.toml'"
    assert single.commands == [
        f"uae check {config} --date 2026-01-09",
        f"uae backfill {config} --from 2026-01-05 --to 2026-01-08 --until sessions",
        f"uae train {config} --date 2026-01-08",
        f"uae promote {config}",
        f"uae nightly {config} --date 2026-01-09",
    ]
    # Five days of a daily feed are too few for a window of seven.
    daily = write_first_settings(by_name["daily_folders"].write(tmp_path), tmp_path / "a")
    assert daily.commands == [f"uae check --config {tmp_path}/a/uae.toml --date 2026-01-05"]


def test_one_file_of_a_delivery_stands_for_all_of_them(tmp_path: Path) -> None:
    for marked in (False, True):
        day = tmp_path / "feed" / "dt=2026-01-05" / "hour=08"
        day.mkdir(parents=True, exist_ok=True)
        rows = [
            {"user": play.user, "song": play.song, "at": play.at, "action": "like"}
            for play in plays(9, 1)
            if play.at.hour == 8
        ]
        write_csv(day / "part-0.csv", rows)
        if marked:
            (day / "_SUCCESS").touch()
        config = write_first_settings(tmp_path / "feed", tmp_path, force=True).config
        assert config.paths.feed == str(tmp_path / "feed" / "dt={date}" / "hour={hour}")
        assert config.feed.complete_marker == ("_SUCCESS" if marked else "")


def test_nothing_is_written_over_and_the_key_is_its_owners(tmp_path: Path) -> None:
    feed = STRANGERS[0].write(tmp_path)
    first = write_first_settings(feed, tmp_path)
    key = first.key.read_text()
    assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
    assert (first.is_new_key, len(bytes.fromhex(key))) == (True, 32)
    first.file.write_text("mine")
    with pytest.raises(UsageError, match="is there already; --force"):
        write_first_settings(feed, tmp_path)
    assert first.file.read_text() == "mine"
    again = write_first_settings(feed, tmp_path, force=True)
    assert tomllib.loads(again.file.read_text())["feed"]["delimiter"] == ";"
    assert (again.is_new_key, again.key.read_text()) == (False, key)


def test_what_is_not_known_is_one_line_and_a_comment(tmp_path: Path) -> None:
    rows = [
        {"who": play.user, "what": play.song, "at": play.at.strftime("%d.%m.%Y %H:%M")} for play in plays()
    ]
    write_csv(tmp_path / "plays.csv", rows)
    written = write_first_settings(tmp_path / "plays.csv", tmp_path)
    gaps = written.look.gaps()
    told = [
        "user",
        "song",
        "time of the play",
        "feedback",
        "'at', such as '05.01.2026 08:00', are of no form",
    ]
    assert [any(words in line for line in gaps) for words in told] == [True] * 5
    text = written.file.read_text()
    assert sum(line.startswith("# MISSING: ") for line in text.splitlines()) == len(gaps)
    assert all(
        f'# {name} = "..."  # MISSING' in text for name in ("user_id", "song_id", "played_at", "feedback")
    )
    assert written.config.feed.columns == {}
    # uae check then says the same, since it reads the columns by their own names.
    (report,) = read_part(part_of(tmp_path / "plays.csv"), plays_layout(written.config), opened)
    error = json.loads(report.column("report")[0].as_py())["error"]
    assert "no column user_id, song_id, played_at, feedback in the header" in error
    assert "name the source columns in [feed.columns]" in error


def test_a_column_for_each_action_is_told_with_how_to_write_one(tmp_path: Path) -> None:
    by_name = {stranger.name: stranger for stranger in STRANGERS}
    written = write_first_settings(by_name["nested_parquet"].write(tmp_path), tmp_path)
    told = [line for line in written.look.doubts() if line.startswith("skipped may be feedback too")]
    assert told == [
        "skipped may be feedback too, and liked alone is read; write one column of what was done, such as "
        "'like' where liked, 'skip' where skipped, nothing elsewhere"
    ]
    text = written.file.read_text()
    assert f"# CHECK: {told[0]}." in text.splitlines()
    assert "'track.tags': is of type list<" in text
    assert "'skipped': may be known only after the play" in text


def test_what_comes_after_the_play_or_tells_of_a_person_is_no_feature(tmp_path: Path) -> None:
    rows = [
        {
            "user": play.user,
            "song": play.song,
            "start": play.at.isoformat(),
            "feedback": play.action,
            "end_time": play.at.isoformat(),
            "percent_played": play.milliseconds,
            "liked": play.action == "like",
            "user_email": f"{play.user}@x.org",
            "session_id": play.number // 9,
            "app": "one",
            "note": f"note {play.number}",
            "Device": play.device,
            "device": play.device,
        }
        for play in plays()
    ]
    write_csv(tmp_path / "plays.csv", rows)
    written = write_first_settings(tmp_path / "plays.csv", tmp_path)
    assert [feature.source for feature in written.config.features.of_origin("feed")] == ["feed.Device"]
    assert set(written.look.inputs.left_out) == {
        *("end_time", "percent_played", "liked", "user_email", "session_id", "app", "note", "device")
    }
    assert "u3" not in written.file.read_text()  # no one's id stands in a configuration


NAMES = {
    "user_id": (
        "user_id",
        "userId",
        "UserID",
        "listener",
        "Account Number",
        "customer-key",
        "uid",
        "memberid",
    ),
    "song_id": ("song_id", "trackId", "TRACK URI", "item", "recording_id", "isrc", "songkey", "Media ID"),
    "played_at": ("played_at", "startedAt", "timestamp", "Start Time", "ts", "event_time", "when"),
    "feedback": ("feedback", "Action", "userReaction", "interaction-type", "reason_end"),
    "played_ms": ("played_ms", "msPlayed", "Milliseconds Listened", "listening_ms"),
}
ACTIONS = (
    "skip",
    "SKIPPED",
    "Skip Next",
    "liked",
    "thumbs-up",
    "dislike",
    "download",
    "none",
    "auto_play",
    "finished",
)
TIMES: dict[str, Callable[[datetime], str]] = {
    "iso": lambda at: at.isoformat(),
    "epoch_seconds": lambda at: str(int(at.timestamp())),
    "epoch_millis": lambda at: str(int(at.timestamp() * 1000)),
    "epoch_micros": lambda at: str(int(at.timestamp() * 1_000_000)),
}


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_and_the_names_of_columns_change_nothing(data: st.DataObject, tmp_path: Path) -> None:
    names = {target: data.draw(st.sampled_from(NAMES[target]), target) for target in NAMES}
    form = data.draw(st.sampled_from(sorted(TIMES)))
    actions = [
        data.draw(st.sampled_from(ACTIONS[:7])),
        *data.draw(st.lists(st.sampled_from(ACTIONS), max_size=3)),
    ]
    rows = [
        {
            names["user_id"]: play.user,
            names["song_id"]: f"s{play.song}",
            names["played_at"]: TIMES[form](play.at),
            names["feedback"]: actions[play.number % len(actions)],
            names["played_ms"]: play.milliseconds,
            "device": play.device,
        }
        for play in plays(60)
    ]
    order = data.draw(st.permutations(list(rows[0])))
    shuffled = [{name: row[name] for name in order} for row in rows]
    file = tmp_path / "plays.csv"
    write_csv(file, shuffled, delimiter=data.draw(st.sampled_from(",;\t|")))
    written = write_first_settings(file, tmp_path, force=True)
    assert written.config.feed.columns == names
    assert written.config.feed.time_format == form
    assert set(written.config.feed.feedback_map) == set(actions[:60])
    assert written.look.gaps() == []


@given(names=st.lists(st.text(min_size=1, max_size=12), min_size=2, max_size=6, unique=True))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_columns_are_called_the_settings_are_valid(names: list[str], tmp_path: Path) -> None:
    file = tmp_path / "plays.jsonl"
    with file.open("w") as opened:
        for play in plays(30):
            values = [play.user, play.song, play.at.isoformat(), play.action, play.device, play.milliseconds]
            opened.write(json.dumps(dict(zip(names, values, strict=False))) + "\n")
    written = write_first_settings(file, tmp_path, force=True)
    assert plays_layout(written.config).form == "jsonl"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", '[{"user": 1}]', "is one JSON array"),
        ("a.json", '{\n "user": 1\n}', "stands over several lines"),
        ("a.csv", "", "the file is empty"),
        ("a.csv", "1,2026-01-05\n2,2026-01-06\n", "seems to hold values"),
        ("a.csv", "user\nu1\nu2\n", "one column alone"),
        ("a.csv", '{"user": 1, "song": 2}\n', "rename it to end in .json"),
        ("a.csv", "user,song\n", "no row can be read"),
        ("a.parquet", "PAR1 and no more", "cannot be read|Parquet"),
    ],
)
def test_what_is_no_table_of_plays_is_told_in_one_line(
    name: str, content: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=told) as raised:
        write_first_settings(tmp_path / name, tmp_path)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "uae.toml").exists()


def test_the_job_says_what_it_did_and_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)  # other tests share theirs
    feed = STRANGERS[-1].write(tmp_path)
    assert cli.main(["init", "--from", str(feed), "--out", str(tmp_path / "shop")]) == 0
    *lines, summary = capsys.readouterr().out.splitlines()
    assert lines[0] == f"wrote {tmp_path}/shop/uae.toml and {tmp_path}/shop/hmac.key"
    assert any(line.startswith("  missing: the meaning of 'zap' of 'response'") for line in lines)
    assert lines[-2:] == ["next:", f"  uae check --config {tmp_path}/shop/uae.toml --date 2026-01-09"]
    assert json.loads(summary)["missing"] == 1
    assert cli.main(["init", "--from", str(feed), "--out", str(tmp_path / "shop")]) == 2
    assert "--force writes over it" in capsys.readouterr().err
    assert cli.main(["init", "--from", str(tmp_path / "none"), "--out", str(tmp_path)]) == 1
