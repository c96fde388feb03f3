"""Slots of damaged files, one of a kind, made anew, and what is right of each; for plays and dimensions.

The keys of what is right are those of ``expected.json`` beside the repository.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

Row = dict[str, Any]


def play(number: int, **fields: Any) -> Row:
    """Return a play of the day."""
    core = {"event_id": f"e{number}", "user_id": f"u{number}", "song_id": f"s{number}"}
    told = {"played_at": f"2026-03-02T09:{number:02d}:00Z", "played_ms": 30000, "feedback": "auto_play"}
    return {**core, **told, "artist": f"A{number}", **fields}


def csv_text(rows: list[Row], **dialect: Any) -> str:
    """Write rows as Python's csv module does."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def json_text(rows: list[Row]) -> str:
    """Write rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def parquet(rows: list[Row]) -> bytes:
    """Write rows as pandas does."""
    sink = io.BytesIO()
    pd.DataFrame(rows).to_parquet(sink)
    return sink.getvalue()


def spotify(*tracks: str, name: str | None = None) -> str:
    """Write an extended streaming history."""
    entries = [
        {
            **{"ts": f"2026-03-02T09:{number:02d}:00Z", "ms_played": 30_000, "reason_end": "trackdone"},
            **{"spotify_track_uri": f"spotify:track:{track}", "master_metadata_album_artist_name": "A"},
            **({"username": name} if name else {}),
        }
        for number, track in enumerate(tracks)
    ]
    return json.dumps(entries)


@dataclass(frozen=True)
class DamagedFeed:
    """Files by their path below the slot, their format, settings, and what is right."""

    format: str
    files: Mapping[str, str | bytes]
    expected: Mapping[str, Any]
    settings: tuple[str, ...] = ()

    def write(self, folder: Path) -> Path:
        """Write the files."""
        for name, content in self.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder


THREE = [play(1), play(2), play(3)]
QUOTED = [play(1, artist='Live "at" Home'), play(2, artist="One, Two"), play(3, artist="back\\")]
ARTISTS = {"e1": 'Live "at" Home', "e2": "One, Two", "e3": "back\\"}
LATIN = json_text([play(1, user_id="Zoé"), play(2, user_id="Zoè")]).encode("latin-1")
FLOATS = [play(1, user_id=7.0), play(2, user_id=12345678.0), play(3, user_id=7.0)]
TSV = ("feed.delimiter='\t'",)

PLAYS: dict[str, DamagedFeed] = {
    "csv: quotes": DamagedFeed("csv", {"a.csv": csv_text(QUOTED)}, {"plays": 3, "artists": ARTISTS}),
    "csv: quotes between tabs": DamagedFeed(
        "csv", {"a.tsv": csv_text(QUOTED, delimiter="\t")}, {"plays": 3, "artists": ARTISTS}, TSV
    ),
    "csv: a line break": DamagedFeed(
        "csv", {"a.csv": csv_text([play(1, artist="x\ny"), play(2)])}, {"plays": 2, "artists": {"e1": "x\ny"}}
    ),
    "csv: a blank first line": DamagedFeed("csv", {"a.csv": "\n" + csv_text(THREE)}, {"plays": 3}),
    "csv: a column twice": DamagedFeed(
        "csv",
        {"a.csv": csv_text(THREE).replace("artist", "song_id", 1)},
        {"error": ("a.csv", "column 'song_id' stands 2 times")},
    ),
    "csv: another delimiter": DamagedFeed(
        "csv", {"a.csv": csv_text(THREE, delimiter="|")}, {"error": ("a.csv", "a bar (set feed.delimiter")}
    ),
    "csv: UTF-16": DamagedFeed(
        "csv", {"a.csv": csv_text(THREE).encode("utf-16")}, {"error": ("a.csv", "encoding is UTF-16")}
    ),
    "csv: UTF-16 by setting": DamagedFeed(
        "csv", {"a.csv": csv_text(THREE).encode("utf-16")}, {"plays": 3}, ("feed.encoding=utf-16",)
    ),
    "csv: Latin-1": DamagedFeed(
        "csv",
        {"a.csv": csv_text([play(1, user_id="Zoé"), play(2, user_id="Zoè"), play(3)]).encode("latin-1")},
        {"plays": 1, "quarantined": 2, "users": 1},
    ),
    "csv: ids as floats": DamagedFeed("csv", {"a.csv": csv_text(FLOATS)}, {"plays": 3, "users": 2}),
    "csv: a cut gz": DamagedFeed(
        "csv", {"a.csv.gz": gzip.compress(csv_text(THREE).encode())[:-12]}, {"error": ("a.csv.gz", "cut")}
    ),
    "csv: no bytes": DamagedFeed("csv", {"a.csv": ""}, {"error": ("1 data files hold no rows",)}),
    "csv: a header alone": DamagedFeed(
        "csv", {"a.csv": csv_text(THREE).splitlines()[0]}, {"error": ("1 data files hold no rows",)}
    ),
    "jsonl: glued": DamagedFeed(
        "jsonl",
        {"a.jsonl": json_text(THREE).replace("\n", " ", 1) + json.dumps(play(4)) + " <eof>\n"},
        {"rows": 4, "quarantined": 1},
    ),
    "jsonl: Latin-1": DamagedFeed("jsonl", {"a.jsonl": LATIN}, {"quarantined": 2, "users": 0}),
    "jsonl: Latin-1 by setting": DamagedFeed(
        "jsonl", {"a.jsonl": LATIN}, {"plays": 2, "users": 2}, ("feed.encoding=latin-1",)
    ),
    "jsonl: folders below": DamagedFeed(
        "jsonl",
        {
            **{"a.jsonl": json_text(THREE[:1]), "x/y/b.JSON": json_text(THREE[1:2]), "checksums.md5": "0 a"},
            **{"[z]/c:1.json.gz": gzip.compress(json_text(THREE[2:]).encode()), "README": "words"},
        },
        {"plays": 3, "quarantined": 0},
    ),
    "jsonl: large ids": DamagedFeed(
        "jsonl",
        {"a.json": json_text([play(1, user_id=2**53 + 1), play(2, user_id=2**53), play(3, user_id=2.0**60)])},
        {"plays": 2, "users": 2, "quarantined": 1},
    ),
    "jsonl: a clock that was never set": DamagedFeed(
        "jsonl",
        {"a.json": json_text([play(1, played_at="1970-01-01T00:00:00Z"), play(2)])},
        {"plays": 1, "quarantined": 1},
    ),
    "jsonl: no bytes": DamagedFeed(
        "jsonl", {"a.json": "", "b.json": ""}, {"error": ("2 data files hold no",)}
    ),
    "parquet: two writers": DamagedFeed(
        "parquet",
        {
            "a.parquet": parquet([{k: v for k, v in play(1).items() if k not in ("event_id", "played_ms")}]),
            "b.parquet": parquet([play(2, played_ms=41_000), play(3, played_ms=None)]),
        },
        {"plays": 3, "keeps": {"e2": 41_000, "e3": None}},
    ),
    "parquet: ids as floats": DamagedFeed(
        "parquet", {"a.parquet": parquet(FLOATS)}, {"plays": 3, "users": 2}
    ),
    "parquet: types that differ": DamagedFeed(
        "parquet",
        {
            "a.parquet": parquet([play(1, user_id=7, played_ms=1.0)]),
            "b.parquet": parquet([play(2, user_id="7", played_ms="1")]),
            "c.parquet": parquet([play(3, user_id=7.0, played_at=datetime(2026, 3, 2, 9, 3))]),
        },
        {"plays": 3, "users": 1},
    ),
    "parquet: not UTF-8": DamagedFeed(
        "parquet",
        {"a.parquet": parquet([play(1, user_id=b"Jo\xe3o"), play(2, user_id=b"Jo")])},
        {"plays": 1, "quarantined": 1},
    ),
    "parquet: one of no bytes": DamagedFeed(
        "parquet",
        {"a.parquet": b"", "b.parquet": parquet(THREE)},
        {"error": ("a.parquet", "no whole Parquet")},
    ),
    "parquet: a clock without a day": DamagedFeed(
        "parquet",
        {"a.parquet": parquet([play(1, played_at=datetime(2026, 3, 2).time())])},
        {"error": ("a.parquet", "column 'played_at' is of type time")},
    ),
    "spotify: two listeners": DamagedFeed(
        "spotify",
        {
            "left/Spotify Extended Streaming History/Streaming_History_Audio_0.json": spotify("a", "b"),
            "left/Spotify Extended Streaming History/endsong_1.json": spotify("c", name="ann")[:-1] + ",]",
            "right/Spotify Extended Streaming History/Streaming_History_Audio_0.json": "\ufeff"
            + spotify("a", "b")[:-9],
        },
        {"plays": 4, "users": 2, "quarantined": 1},
    ),
    "spotify: two listeners under one name": DamagedFeed(
        "spotify",
        {"x/endsong_0.json": spotify("a", name="ann"), "x/endsong_1.json": spotify("a", name="bob")},
        {"error": ("listener 1/endsong_0.json and the files beside it are of 2 listeners", "a folder")},
    ),
    "spotify: the account data": DamagedFeed(
        "spotify",
        {"x/StreamingHistory0.json": '[{"endTime": "2026-03-02 09:00", "trackName": "t", "msPlayed": 1}]'},
        {"error": ("StreamingHistory0.json", "Extended streaming history")},
    ),
}


def statement(number: int, **fields: Any) -> Row:
    """Return what a row of a dimension of songs says."""
    return {"song_id": f"s{number}", "valid_from": "2026-03-01T00:00:00Z", "genre": f"g{number}", **fields}


SAID = [statement(1), statement(2), statement(3)]
ODD = [statement(1, genre='"a", b'), statement(2, genre="x\ny"), statement(3, genre="back\\")]
GENRES = {"s1": '"a", b', "s2": "x\ny", "s3": "back\\"}


def by_polars(rows: list[Row], **columns: pl.Expr | pl.Series) -> bytes:
    """Write rows as polars does."""
    sink = io.BytesIO()
    pl.DataFrame(rows).with_columns(**columns).write_parquet(sink)
    return sink.getvalue()


def _no_rows() -> bytes:
    sink = io.BytesIO()
    pl.DataFrame(SAID).clear().write_parquet(sink)
    return sink.getvalue()


@dataclass(frozen=True)
class DamagedDimension:
    """A file of a dimension of songs, its settings, and what is right."""

    format: str
    content: str | bytes
    good: int = 0
    bad: int = 0
    error: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    genres: Mapping[str, str] = field(default_factory=dict)
    songs: int | None = None
    reason: str = ""


def _of_text(form: str, text: Callable[[list[Row]], str]) -> dict[str, DamagedDimension]:
    latin = text([statement(1, song_id="Zoé"), statement(2, song_id="Zoè")]).encode("latin-1")
    unset = text([*SAID[:1], statement(2, valid_from="1970-01-01T00:00:00Z")])
    return {
        f"{form}: odd values": DamagedDimension(form, text(ODD), 3, genres=GENRES),
        f"{form}: Latin-1": DamagedDimension(form, latin, 0, 2, reason="not UTF-8"),
        f"{form}: Latin-1 by setting": DamagedDimension(
            form, latin, 2, settings={"encoding": "latin-1"}, songs=2
        ),
        f"{form}: UTF-16": DamagedDimension(form, text(SAID).encode("utf-16"), error="UTF-16"),
        f"{form}: a clock that was never set": DamagedDimension(
            form, unset, 1, 1, reason="was the clock set?"
        ),
        f"{form}: since ever, by setting": DamagedDimension(
            form, unset, 2, settings={"earliest_date": "1900-01-01"}
        ),
        f"{form}: no bytes": DamagedDimension(form, "", error="hold no rows"),
        f"{form}: ids as floats": DamagedDimension(
            form, text([statement(1, song_id=7.0), statement(2, song_id=12345678.0)]), 2, genres={"7": "g1"}
        ),
    }


DIMENSIONS: dict[str, DamagedDimension] = {
    **_of_text("csv", csv_text),
    **_of_text("jsonl", json_text),
    "csv: semicolons": DamagedDimension("csv", csv_text(SAID, delimiter=";"), error="a semicolon"),
    "csv: tabs by setting": DamagedDimension(
        "csv", csv_text(ODD, delimiter="\t"), 3, settings={"delimiter": "\t"}, genres=GENRES
    ),
    "csv: backslashes by setting": DamagedDimension(
        "csv",
        csv_text(ODD, doublequote=False, escapechar="\\"),
        3,
        settings={"escape": "\\"},
        genres=GENRES,
    ),
    "csv: a header alone": DamagedDimension("csv", csv_text(SAID).splitlines()[0]),
    "jsonl: glued": DamagedDimension("jsonl", json_text(SAID).replace("\n", "") + "\nnull\n", 3, 1),
    "parquet: without a row": DamagedDimension("parquet", _no_rows()),
    "parquet: no bytes": DamagedDimension("parquet", b"", error="no whole Parquet file"),
    "parquet: ids as floats": DamagedDimension(
        "parquet", by_polars(SAID, song_id=pl.Series([7.0, 8.0, 2.0**60])), 2, 1, genres={"7": "g1"}
    ),
    "parquet: a clock that was never set": DamagedDimension(
        "parquet", by_polars(SAID, valid_from=pl.lit(datetime(1970, 1, 1))), 0, 3, reason="was the clock set?"
    ),
    "parquet: a list": DamagedDimension(
        "parquet", by_polars(SAID, genre=pl.concat_list("genre")), error="column 'genre' is of type"
    ),
}
