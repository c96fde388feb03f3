"""Plays written as files of each format, and what a reader makes of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from uae_model.ingest.files import FilePart, Layout, Report, read_part
from uae_model.ingest.files.layout import Form
from uae_model.ingest.thirty_music import thirty_music_layouts

COLUMNS = ("event_id", "user_id", "song_id", "played_at", "played_ms", "feedback", "artist")
SPOTIFY = ("ts", "ms_played", "spotify_track_uri", "master_metadata_album_artist_name", "listener")

Row = dict[str, object]

PLAYS: list[Row] = [
    {
        **{"event_id": f"e{number}", "user_id": f"u{number % 2}", "song_id": f"s{number}"},
        **{"played_at": f"2026-03-02T09:0{number}:00Z", "played_ms": 30000, "feedback": "auto_play"},
        "artist": f"Artist {number}",
    }
    for number in range(3)
]


@dataclass
class Outcome:
    """What a reader made of a file."""

    rows: list[dict[str, str | None]]
    problems: list[tuple[str, str | None, str]]
    report: Report

    @property
    def counted(self) -> int:
        return len(self.rows) + len(self.problems)


def layout_of(form: Form, **settings: object) -> Layout:
    """Return what is read of a file of plays."""
    if form == "json_arrays":
        return Layout(form, SPOTIFY, **settings)  # type: ignore[arg-type]
    if form == "lines":
        return Layout(form, **settings)  # type: ignore[arg-type]
    if form.startswith("30music"):
        layouts = thirty_music_layouts("utf-8").values()
        return next(replace(layout, **settings) for layout in layouts if layout.form == form)  # type: ignore[arg-type]
    required = ("user_id", "song_id", "played_at", "feedback")
    ids, labels = frozenset(COLUMNS[:3]), frozenset({"artist"})
    return Layout(form, COLUMNS, required, ids, labels, "played_at", **settings)  # type: ignore[arg-type]


def outcome(content: bytes, layout: Layout, name: str = "a") -> Outcome:
    """Read a file from its bytes; a report comes last, once, and counts the rows."""
    part = FilePart(name, name, len(content), listener="left")
    batches = list(read_part(part, layout, lambda _: io.BytesIO(content)))
    *rows, last = [row for batch in batches for row in batch.to_pylist()]
    report = Report.of_text(last["report"])
    assert all(row["report"] is None and row["source"] == name for row in rows)
    assert report.rows == len(rows)
    bad = [(row["problem"], row["value"], row["raw"]) for row in rows if row["problem"]]
    assert all(row["fields"] is None for row in rows if row["problem"])
    good = [
        {**(row["fields"] or {}), "raw": row["raw"], "instant": row["instant"]}
        for row in rows
        if not row["problem"]
    ]
    return Outcome(good, bad, report)


def as_csv(rows: Sequence[Row], delimiter: str = ",", end: str = "\r\n", **dialect: Any) -> bytes:
    """Write rows as Python's csv module does."""
    text = io.StringIO()
    names = list(rows[0]) if rows else list(COLUMNS)
    writer = csv.DictWriter(text, names, delimiter=delimiter, lineterminator=end, **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_jsonl(rows: Sequence[Row]) -> bytes:
    """Write rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet(rows: Sequence[Row], **types: pa.DataType) -> bytes:
    """Write rows as Parquet, with other types for some columns."""
    arrays = {name: pa.array([row[name] for row in rows], types.get(name)) for name in rows[0]}
    table = pa.table(arrays)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def as_spotify(rows: Sequence[Row]) -> bytes:
    """Write rows as an extended streaming history."""
    entries = [
        {
            **{"ts": row["played_at"], "ms_played": row["played_ms"], "ip_addr": "192.0.2.1"},
            "spotify_track_uri": f"spotify:track:{row['song_id']}",
            "master_metadata_album_artist_name": row["artist"],
        }
        for row in rows
    ]
    return json.dumps(entries, ensure_ascii=False).encode()


WRITERS: dict[Form, Callable[[Sequence[Row]], bytes]] = {
    "csv": as_csv,
    "jsonl": as_jsonl,
    "parquet": as_parquet,
    "json_arrays": as_spotify,
}
ARTIST = {
    form: "master_metadata_album_artist_name" if form == "json_arrays" else "artist" for form in WRITERS
}
TEXT_FORMS: tuple[Form, ...] = ("csv", "jsonl", "json_arrays")
