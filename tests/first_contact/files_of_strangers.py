"""Files of plays as people write them who never saw this project: ten kinds, of the same few listeners."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)
ROWS = 240


@dataclass(frozen=True)
class Play:
    """What happened, before anybody writes it down."""

    number: int
    user: str
    song: int
    at: datetime
    milliseconds: int
    device: str
    action: str


def plays(rows: int = ROWS, days: int = 4) -> Iterator[Play]:
    """Yield plays in order, those of a day evenly over it."""
    draw = random.Random(3)
    for number in range(rows):
        at = FIRST + timedelta(seconds=number * days * 86_400 // rows)
        action = draw.choice(["", "", "skip", "like"])
        yield Play(
            number,
            f"u{draw.randrange(12)}",
            1000 + draw.randrange(40),
            at,
            draw.randrange(500, 240_000),
            draw.choice(["ios", "web", "car"]),
            action,
        )


def write_csv(file: Path, rows: list[dict[str, Any]], **how: Any) -> None:
    """Write rows with Python's own module."""
    encoding = how.pop("encoding", "utf-8")
    with file.open("w", newline="", encoding=encoding) as opened:
        writer = csv.DictWriter(opened, list(rows[0]), **how)
        writer.writeheader()
        writer.writerows(rows)


def semicolons_and_offsets(folder: Path) -> Path:
    """CSV of an office: semicolons, local times with an offset, names in words, no action left empty."""
    zone = timezone(timedelta(hours=2))
    rows = [
        {
            "Action": play.action,
            "Started At": play.at.astimezone(zone).isoformat(),
            "Track URI": f"uri:{play.song}",
            "Listener ID": play.user,
            "ms played": play.milliseconds,
            "Device": play.device,
        }
        for play in plays()
    ]
    write_csv(folder / "plays.csv", rows, delimiter=";")
    return folder / "plays.csv"


def nested_json(folder: Path) -> Path:
    """JSON lines of an app: objects in objects, epoch milliseconds, seconds listened, null for no action."""
    said = {"skip": "SKIP_NEXT", "like": "THUMBS_UP", "": None}
    with (folder / "events.ndjson").open("w") as file:
        for play in plays():
            line = {
                "ts": int(play.at.timestamp() * 1000),
                "user": {"id": play.user, "country": "DE" if play.number % 3 else "FR"},
                "track": {"id": play.song, "durationMs": 180_000 + 7 * play.song},
                "secondsListened": play.milliseconds / 1000,
                "reaction": said[play.action],
                "tags": ["a", "b"],
            }
            file.write(json.dumps(line) + "\n")
    return folder / "events.ndjson"


def pandas_parquet(folder: Path) -> Path:
    """Parquet of a notebook: naive timestamps, whole numbers as floating-point, a flag for the feedback."""
    rows = [
        {
            "userid": float(play.user[1:]),
            "song": play.song,
            "played_at": play.at.replace(tzinfo=None),
            "skipped": play.action == "skip",
            "platform": play.device,
        }
        for play in plays()
    ]
    pd.DataFrame(rows).to_parquet(folder / "plays.parquet")
    return folder / "plays.parquet"


def nested_parquet(folder: Path) -> Path:
    """Parquet of a stream of events: structs in structs, some missing, and a column for each action."""
    rows = [
        {
            "event": {"time": play.at, "listener": {"id": play.user, "device": play.device}},
            "track": {"uri": f"uri:{play.song}", "tags": ["a"]},
            "liked": play.action == "like",
            "skipped": play.action == "skip",
            "context": None if play.number % 5 == 0 else {"page": f"page {play.number % 3}"},
        }
        for play in plays()
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "events.parquet")
    return folder / "events.parquet"


def pandas_csv(folder: Path) -> Path:
    """CSV of a notebook: an index without a name, times without a zone."""
    rows = [
        {
            "customer": play.user,
            "item_id": play.song,
            "timestamp": play.at.strftime("%Y-%m-%d %H:%M:%S"),
            "event_type": play.action or "complete",
            "play_duration": play.milliseconds // 1000,
        }
        for play in plays()
    ]
    pd.DataFrame(rows).to_csv(folder / "export.csv")
    return folder / "export.csv"


def tabs_and_seconds(folder: Path) -> Path:
    """TSV, compressed, of a database: epoch seconds, ids of events, words in capitals."""
    said = {"skip": "SKIPPED", "like": "FAVOURITE", "": "NONE"}
    with gzip.open(folder / "dump.tsv.gz", "wt", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["event_uuid", "uid", "recording", "epoch", "feedback", "listen_seconds", "genre"])
        for play in plays():
            writer.writerow(
                [
                    f"e-{play.number:05d}",
                    play.user,
                    play.song,
                    int(play.at.timestamp()),
                    said[play.action],
                    play.milliseconds / 1000,
                    f"genre {play.song % 5}",
                ]
            )
    return folder / "dump.tsv.gz"


def daily_folders(folder: Path) -> Path:
    """Arrow's files in a folder a day: epoch microseconds, dictionaries, no marker."""
    by_day: dict[str, list[Play]] = {}
    for play in plays():
        by_day.setdefault(play.at.date().isoformat(), []).append(play)
    for day, of_day in by_day.items():
        (folder / "lake" / f"day={day}").mkdir(parents=True)
        table = pa.table(
            {
                "listenerId": [play.user for play in of_day],
                "trackId": pa.array([str(play.song) for play in of_day]).dictionary_encode(),
                "startTimeMicros": [int(play.at.timestamp() * 1_000_000) for play in of_day],
                "msPlayed": [play.milliseconds for play in of_day],
                "interaction": [play.action or "autoplay" for play in of_day],
                "playlist": [f"list {play.number % 6}" for play in of_day],
            }
        )
        pq.write_table(table, folder / "lake" / f"day={day}" / "part-0.parquet")
    return folder / "lake"


def a_file_a_day(folder: Path) -> Path:
    """CSV in a file a day, in the encoding of Windows, named after local days."""
    by_day: dict[str, list[dict[str, Any]]] = {}
    for play in plays():
        local = play.at - timedelta(hours=5)
        row = {
            "Benutzer": play.user,
            "Titel": f"Übung {play.song}",
            "Zeit": play.at.isoformat(),
            "Aktion / feedback": play.action or "nothing",
        }
        by_day.setdefault(local.date().isoformat(), []).append(row)
    (folder / "days").mkdir()
    for day, rows in by_day.items():
        write_csv(folder / "days" / f"plays-{day}.csv", rows, delimiter="|", encoding="cp1252")
    return folder / "days"


def spotify_like(folder: Path) -> Path:
    """JSON lines in the words of a large service: the end of a play, and why it began and ended."""
    ended = {"skip": "fwdbtn", "like": "remote", "": "trackdone"}
    with (folder / "history.jsonl").open("w") as file:
        for play in plays():
            line = {
                "username": play.user,
                "track_uri": f"x:{play.song}",
                "end_time": play.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "ms_played": play.milliseconds,
                "reason_start": "fwdbtn" if play.number % 2 else "trackdone",
                "reason_end": ended[play.action],
                "ip_addr": f"10.0.0.{play.number % 9}",
            }
            file.write(json.dumps(line) + "\n")
    return folder / "history.jsonl"


def numbers_and_strangers(folder: Path) -> Path:
    """CSV, quoted throughout, with a word of feedback that nobody knows and a number for each song."""
    said = {"skip": "dislike", "like": "zap", "": "listened"}
    rows = [
        {
            "account number": 900 + int(play.user[1:]),
            "song number": play.song,
            "when": play.at.isoformat(),
            "response": said[play.action],
            "elapsed_ms": play.milliseconds,
            "loudness": round(-0.1 * play.milliseconds / 1000, 3),
        }
        for play in plays()
    ]
    write_csv(folder / "quoted.csv", rows, quoting=csv.QUOTE_ALL)
    return folder / "quoted.csv"


@dataclass(frozen=True)
class Stranger:
    """A kind of file, and what a look at it must tell."""

    write: Callable[[Path], Path]
    columns: dict[str, str]
    meanings: dict[str, str]
    time_format: str = "iso"
    features: frozenset[str] = field(default_factory=frozenset)
    unknown_rows: int = 0

    @property
    def name(self) -> str:
        """What the kind is called."""
        return self.write.__name__


def columns(
    user: str, song: str, at: str, feedback: str, played: str = "", event: str = ""
) -> dict[str, str]:
    """Return the columns by what they are; those that a file lacks are left out."""
    pairs = {"user_id": user, "song_id": song, "played_at": at, "feedback": feedback}
    return {**pairs, **({"played_ms": played} if played else {}), **({"event_id": event} if event else {})}


STRANGERS = (
    Stranger(
        semicolons_and_offsets,
        columns("Listener ID", "Track URI", "Started At", "Action", "ms played"),
        {"skip": "skip", "like": "like", "": "auto_play"},
        features=frozenset({"device"}),
    ),
    Stranger(
        nested_json,
        columns("user.id", "track.id", "ts", "reaction", "secondsListened"),
        {"SKIP_NEXT": "skip", "THUMBS_UP": "like", "": "auto_play"},
        "epoch_millis",
        frozenset({"user_country", "track_duration_ms"}),
    ),
    Stranger(
        pandas_parquet,
        columns("userid", "song", "played_at", "skipped"),
        {"true": "skip", "false": "auto_play"},
        features=frozenset({"platform"}),
    ),
    Stranger(
        nested_parquet,
        columns("event.listener.id", "track.uri", "event.time", "liked"),
        {"true": "like", "false": "auto_play"},
        features=frozenset({"event_listener_device", "context_page"}),
    ),
    Stranger(
        pandas_csv,
        columns("customer", "item_id", "timestamp", "event_type", "play_duration"),
        {"skip": "skip", "like": "like", "complete": "auto_play"},
    ),
    Stranger(
        tabs_and_seconds,
        columns("uid", "recording", "epoch", "feedback", "listen_seconds", "event_uuid"),
        {"SKIPPED": "skip", "FAVOURITE": "like", "NONE": "auto_play"},
        "epoch_seconds",
        frozenset({"genre"}),
    ),
    Stranger(
        daily_folders,
        columns("listenerId", "trackId", "startTimeMicros", "interaction", "msPlayed"),
        {"skip": "skip", "like": "like", "autoplay": "auto_play"},
        "epoch_micros",
        frozenset({"playlist"}),
    ),
    Stranger(
        a_file_a_day,
        columns("Benutzer", "Titel", "Zeit", "Aktion / feedback"),
        {"skip": "skip", "like": "like", "nothing": "auto_play"},
    ),
    Stranger(
        spotify_like,
        columns("username", "track_uri", "end_time", "reason_end", "ms_played"),
        {"fwdbtn": "skip", "remote": "skip", "trackdone": "auto_play"},
        features=frozenset({"reason_start"}),
    ),
    Stranger(
        numbers_and_strangers,
        columns("account number", "song number", "when", "response", "elapsed_ms"),
        {"dislike": "dislike", "listened": "auto_play"},
        features=frozenset({"loudness"}),
        unknown_rows=sum(play.action == "like" for play in plays()),
    ),
)
