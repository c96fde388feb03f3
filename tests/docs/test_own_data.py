"""The tutorial with own data: its commands as they stand, on two feeds that this project did not write."""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import cli
from tests.docs.pages import ROOT, blocks
from tests.first_contact.files_of_strangers import write_csv
from uae_model.pipeline import job as job_module
from uae_model.readers import read_weights_arrow

PAGE = ROOT / "docs" / "guides" / "own-data.md"
FIRST = datetime(2026, 1, 5, 17, tzinfo=UTC)
DAYS, LISTENERS, SONGS = 10, 30, 120


def listening() -> Iterator[dict[str, Any]]:
    """Yield plays: each listener has an evening a day, attends by turns, and acts only meanwhile."""
    draw = random.Random(11)
    for day in range(DAYS):
        for listener in range(LISTENERS):
            at = FIRST + timedelta(days=day, seconds=60 * draw.randrange(90))
            on_phone = draw.random() < 0.6
            attends = draw.random() < (0.8 if on_phone else 0.3)
            for _ in range(draw.randrange(8, 18)):
                if draw.random() < 0.15:
                    attends = not attends
                acts = attends and draw.random() < 0.55
                seconds = draw.randrange(5, 40) if acts else draw.randrange(150, 240)
                action = draw.choice(["skip", "skip", "like"]) if acts else ""
                device = "phone" if on_phone else "speaker"
                yield {
                    "listener": f"l{listener}",
                    "song": f"t{draw.randrange(SONGS)}",
                    "at": at,
                    "seconds": seconds,
                    "action": action,
                    "device": device,
                }
                at += timedelta(seconds=seconds + 2)


def write_one_file(folder: Path) -> str:
    """Write the page's plays.csv: semicolons, local times with an offset, no action left empty."""
    zone = timezone(timedelta(hours=1))
    rows = [
        {
            "Listener": play["listener"],
            "Track": play["song"],
            "Started": play["at"].astimezone(zone).isoformat(),
            "ms played": play["seconds"] * 1000,
            "Action": play["action"],
            "Device": play["device"],
        }
        for play in listening()
        if play["at"] < FIRST + timedelta(days=DAYS - 1)
    ]
    write_csv(folder / "plays.csv", rows, delimiter=";")
    return "plays.csv"


def write_a_folder_a_day(folder: Path) -> str:
    """Write JSON lines in a folder a day: epoch milliseconds, objects in objects, seconds."""
    said = {"skip": "SKIPPED", "like": "LIKED", "": "NONE"}
    for play in listening():
        file = folder / "feed" / f"day={play['at'].date()}" / "part-0.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        line = {
            "ts": int(play["at"].timestamp() * 1000),
            "user": {"id": play["listener"]},
            "track": {"id": play["song"]},
            "secondsPlayed": play["seconds"],
            "interaction": said[play["action"]],
            "context": {"device": play["device"]},
        }
        with file.open("a") as opened:
            opened.write(json.dumps(line) + "\n")
    return "feed"


def commands() -> list[list[str]]:
    """Return the commands of the page."""
    (block,) = blocks("bash", PAGE)
    return [shlex.split(line) for line in block.text.splitlines()]


def test_six_commands_suffice_and_init_says_the_other_five(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    for feed in (write_one_file(tmp_path), write_a_folder_a_day(tmp_path)):
        first, *others = commands()
        assert len(others) == 5
        again = ["--force"] if feed == "feed" else []
        assert cli.main([*_of(first, feed), *again]) == 0
        *_, told = capsys.readouterr().out.partition("next:\n")
        said = [shlex.split(line) for line in told.splitlines()[:-1]]
        assert said[1:] == others[1:]
        assert said[0][:-1] == others[0][:-1]  # any delivered day will do for a check


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_one_file, write_a_folder_a_day])
def test_the_commands_lead_to_published_weights_without_an_error(
    write: Any,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job_module, "start_spark", lambda name, files: spark)
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)  # keep the shared session
    feed = write(tmp_path)
    for command in commands():
        code = cli.main([*_of(command, feed), "--log-level", "WARNING"])
        captured = capsys.readouterr()
        assert code == 0, f"{command}: {captured.err[-2000:]}"
        if command[1] == "check":
            seen = json.loads(captured.out.splitlines()[-1])
            assert (seen["quarantined"], seen["missing"]) == (0, ["event_id"])
    weights = read_weights_arrow("shop/tables", "2026-01-13").to_pandas()
    assert len(weights) > 200
    passive = weights[~weights["is_active"]]
    assert passive["sample_weight"].between(0, 1).all()
    assert passive["sample_weight"].nunique() > 10


def _of(command: list[str], feed: str) -> list[str]:
    """Return the arguments of a command, for a feed of this name."""
    return [feed if word == "plays.csv" else word for word in command[1:]]
