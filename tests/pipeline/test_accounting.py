"""Accounting of every format through the tables: what independent readers count is what the tables hold.

Rows in the files = events + updates + duplicates + quarantined. The files are counted by pyarrow, Python's
``csv`` and ``json``, which share nothing with the parsers of the feed.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY, event, feed_row, mssd_row, write_mssd
from tests.ingest import datasets
from tests.pipeline.building import ingest
from uae_model.config import load_config
from uae_model.ingest.feed import Feed
from uae_model.ingest.quarantine import occurrences
from uae_model.lake import TableStore

PLAYS: list[dict[str, Any]] = [
    feed_row(event("a", "10:00", song_id='One, "Two"\nThree')),
    feed_row(event("b", "10:03", user_id="Zoé")),
    feed_row(event("b", "10:03", user_id="Zoé")),  # twice
    feed_row(event("c", "10:06", feedback="clap")),
    {**feed_row(event("d", "10:09")), "played_at": "1970-01-01T00:00:00Z"},
    feed_row(event("e", "10:12", song_id="back\\")),
]


def write_csv(folder: Path) -> None:
    """Write a whole file, one behind another with a second header, and one with records that are cut."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(PLAYS[0]))
    for _ in range(2):
        writer.writeheader()
        writer.writerows(PLAYS)
    folder.mkdir(parents=True)
    (folder / "whole.csv").write_bytes(b"\xef\xbb\xbf" + text.getvalue().encode())
    cut = "\n\n" + text.getvalue() + 'x,y\n"never closed,1\n,\n'
    (folder / "cut.csv.gz").write_bytes(gzip.compress(cut.encode()))


def count_csv(folder: Path) -> int:
    """Count the records below each file's header, as Python's csv module reads them."""
    rows = 0
    for file in folder.rglob("*.csv*"):
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        rows += sum(1 for record in csv.reader(text) if record) - 1
    return rows


def write_json_lines(folder: Path) -> None:
    """Write objects on lines, two on one line, none on some, and one that is cut."""
    (folder / "below").mkdir(parents=True)
    objects = [json.dumps(play, ensure_ascii=False) for play in PLAYS]
    lines = [*objects, "", objects[0] + " " + objects[1], "[1]", objects[0][:50], "null", objects[0] + "}"]
    (folder / "a.json").write_text("\r\n".join(lines))
    (folder / "below" / "b.JSON").write_bytes(("\n".join(objects) + "\n").encode("latin-1", "replace"))


def count_json_lines(folder: Path) -> int:
    """Count the objects, and the lines that hold anything else."""
    rows = 0
    for file in (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("_")):
        for line in file.read_bytes().split(b"\n"):
            try:
                text, objects = line.decode().strip(), 0
                while text:
                    value, end = json.JSONDecoder().raw_decode(text)
                    objects += isinstance(value, dict)
                    text = text[end:].strip()
                    if not isinstance(value, dict):
                        raise ValueError
            except ValueError:
                objects = 1
            rows += objects
    return rows


def write_parquet_of_two(folder: Path) -> None:
    """Write one file by polars with ids as floats, one by pyarrow that lacks columns."""
    folder.mkdir(parents=True)
    times = [datetime.fromisoformat(play["played_at"]) for play in PLAYS]
    frame = pl.DataFrame(PLAYS).with_columns(played_at=pl.Series(times), user_id=pl.lit(7.0))
    frame.write_parquet(folder / "polars.parquet")
    pq.write_table(frame.drop("device", "event_id").to_arrow(), folder / "arrow.parquet")


def count_parquet(folder: Path) -> int:
    """Count rows by the files' own footers."""
    return sum(pq.read_metadata(file).num_rows for file in folder.rglob("*.parquet"))


def count_spotify(folder: Path) -> int:
    """Count the entries of whole files; a cut one that holds a single entry is one."""
    rows = 0
    for file in folder.rglob("*.json"):
        try:
            rows += len(json.loads(file.read_text()))
        except ValueError:
            rows += 1
    return rows


def count_lines(folder: Path) -> int:
    """Count the lines that are not blank."""
    return sum(bool(line.strip()) for file in folder.rglob("*.tsv") for line in file.open(newline="\n"))


def write_thirty_music(folder: Path) -> None:
    """Write the three files, with more lines that are damaged."""
    datasets.write_thirty_music(folder.parent)
    play = datasets.THIRTY_MUSIC_PLAYS["loved"]
    with (folder / "relations" / "sessions.idomaar").open("a") as file:
        for plays in ((play, "null", "7", play), (play[:-1],), (f'"{play[1:5]}', play)):
            file.write(datasets.thirty_music_session(9, 9, 1_390_231_051, *plays) + "\n")


def count_thirty_music(folder: Path) -> int:
    """Count plays of sessions, lines that are none, and loves of songs that the user never played."""

    def objects(line: str) -> list[Any]:
        decoder, values, at = json.JSONDecoder(), [], line.index("{")
        while at < len(line):
            value, at = decoder.raw_decode(line, at)
            values.append(value)
            at += len(line[at:]) - len(line[at:].lstrip())
        return values

    def read(name: str) -> Iterator[list[Any]]:
        for line in (folder / name).read_text().splitlines():
            try:
                yield objects(line)
            except ValueError:
                yield []

    rows = 0
    played: set[tuple[Any, Any]] = set()
    for parts in read("relations/sessions.idomaar"):
        plays = parts[1]["objects"] if len(parts) == 2 else []
        rows += len(plays) or 1
        users = [subject["id"] for subject in parts[1]["subjects"]] if plays else []
        played.update((users[0], play["id"]) for play in plays if isinstance(play, dict) and "id" in play)
    loves = list(read("relations/love.idomaar"))
    pairs = {(parts[1]["subjects"][0]["id"], parts[1]["objects"][0]["id"]) for parts in loves if parts}
    tracks = list(read("entities/tracks.idomaar"))
    return rows + len(pairs - played) + sum(not parts for parts in [*loves, *tracks])


def write_mssd_sample(folder: Path) -> None:
    """Write sessions, two rows of which are no play."""
    lines = [mssd_row("one", number) for number in range(2, 6)]
    write_mssd(folder, [*lines, lines[0], mssd_row("two", 21), mssd_row("two", 2, hour_of_day=24), "cut,row"])


@dataclass(frozen=True)
class Format:
    """How a feed of a format is written below a folder, where, and how its rows are counted."""

    write: Callable[[Path], None]
    count: Callable[[Path], int]
    profile: str = "default"
    folder: str = f"feed/dt={DAY}"


def _dataset(write: Callable[[Path], None], count: Callable[[Path], int], name: str, folder: str) -> Format:
    return Format(lambda below: write(below.parents[len(Path(folder).parts) - 1]), count, name, folder)


FORMATS = {
    "csv": Format(write_csv, count_csv),
    "jsonl": Format(write_json_lines, count_json_lines),
    "parquet": Format(write_parquet_of_two, count_parquet),
    "mssd": Format(write_mssd_sample, count_csv, "mssd", "mssd"),
    "deezer": _dataset(datasets.write_deezer, count_csv, "deezer", "deezer"),
    "spotify": _dataset(datasets.write_spotify, count_spotify, "spotify", "spotify"),
    "yambda": _dataset(datasets.write_yambda, count_parquet, "yambda", "yambda"),
    "lastfm1k": _dataset(datasets.write_lastfm, count_lines, "lastfm1k", "lastfm-dataset-1K"),
    "30music": Format(write_thirty_music, count_thirty_music, "30music", "30music"),
}


def test_all_formats_are_here() -> None:
    from uae_model.ingest.listing import SUFFIXES

    assert set(FORMATS) == set(SUFFIXES)


@pytest.mark.parametrize("name", FORMATS)
def test_rows_of_the_files_are_events_duplicates_or_in_quarantine(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", "an hmac key for tests")
    form = FORMATS[name]
    folder = tmp_path / form.folder
    form.write(folder)
    (tmp_path / "uae.toml").touch()
    config = load_config(
        tmp_path / "uae.toml", profile=form.profile, overrides=[f"feed.format={name}", "feed.late_days=0"]
    )
    store = TableStore(spark, config)
    counts = ingest(store, Feed(spark, config), DAY)
    rows = form.count(folder)
    assert counts.read == rows > 0
    events, quarantined = store.read("events").count(), occurrences(store.read("quarantine"))
    assert (events, quarantined) == (counts.inserted, counts.quarantined)
    assert rows == events + counts.updated + counts.remainder + quarantined
    assert events > 0
    assert quarantined > 0
    assert counts.remainder > 0
