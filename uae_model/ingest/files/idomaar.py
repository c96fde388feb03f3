"""Lines of 30-Music: ``type<TAB>id<TAB>time<TAB>{properties}<TAB>{relations}``, the objects as JSON.

In some files a SPACE stands before one of the objects, or both. A session's line holds all its plays, and
each of them is a row; a line that cannot be read, or says nothing, is one bad row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from uae_model.ingest.files.json_lines import cells_of
from uae_model.ingest.files.layout import (
    NOT_UTF8,
    FilePart,
    Form,
    Layout,
    Problem,
    Problems,
    Rows,
)
from uae_model.ingest.files.opening import byte_lines, readable

BATCH_LINES = 4096

HEAD = re.compile(r"([^\t]+)\t([^\t]+)\t(-?\d+)[\t ]+(?=\{)")
BETWEEN = re.compile(r"[\t ]+(?=\{)")

NO_SESSION = "the line is no session with plays"
NO_PLAY = "the play is no JSON object"
NO_LOVE = "the line is no love of a user for a track"
NO_TRACK = "the line is no track"
LOVED = "love"

_DECODER = json.JSONDecoder(strict=False)  # a name may hold a tab

Row = tuple[str, dict[str, Any] | None, Problem | None]
"""A row's text, its values, or what is wrong with it."""


@dataclass(frozen=True)
class IdomaarLine:
    """A line that has the form: its type, id, time (seconds, as text), properties and relations."""

    kind: str
    number: str
    time: str
    properties: dict[str, Any]
    relations: dict[str, Any]


def read_idomaar(file: BinaryIO, part: FilePart, layout: Layout, rows_of: RowsOfLine) -> Iterator[Rows]:
    """Yield the rows of the lines that are not blank.

    Args:
        file: the bytes.
        part: which of the file's lines.
        layout: the columns.
        rows_of: gives the rows of one line, one of ``IDOMAAR``.
    """
    lines = byte_lines(file, part, layout)
    while batch := list(islice(lines, BATCH_LINES)):
        raw: list[str] = []
        table: list[list[str | None]] = []
        problems: Problems = {}
        for line in batch:
            if not line.strip():
                continue
            for text, values, problem in _rows(line.rstrip(b"\r\n"), rows_of):
                cells, wrong = cells_of(values or {}, layout)
                if problem or wrong:
                    problems[len(raw)] = problem or wrong or (NOT_UTF8, None)
                raw.append(readable(text))
                table.append(cells)
        yield Rows(len(raw), list(zip(*table, strict=True)) or [()] * len(layout.columns), raw, problems)


def line_of(text: str) -> IdomaarLine | None:
    """Return what a line says, or None where it has not the form."""
    head = HEAD.match(text)
    if head is None:
        return None
    try:
        properties, end = _DECODER.raw_decode(text, head.end())
        between = BETWEEN.match(text, end)
        if between is None:
            return None
        relations, end = _DECODER.raw_decode(text, between.end())
    except (ValueError, RecursionError):
        return None
    kind, number, time = head.groups()
    return None if text[end:].strip() else IdomaarLine(kind, number, time, properties, relations)


def plays_of(text: str) -> Iterator[Row]:
    """Yield the plays of a session; the text of each is the session's head and the play's own object."""
    line = line_of(text)
    plays = _list(line, "objects")
    if line is None or not plays:
        yield text, None, (NO_SESSION, None)
        return
    user = _first(line, "subjects")
    for play in plays:
        shown = json.dumps(play, separators=(",", ":"), ensure_ascii=False)
        values = None if not isinstance(play, dict) else {**play, "track_id": play.get("id")}
        yield (
            "\t".join([line.kind, line.number, line.time, shown]),
            values and {**values, "user_id": user, "started": line.time},
            None if values else (NO_PLAY, None),
        )


def love_of(text: str) -> Iterator[Row]:
    """Yield the love that a line tells of: a user and a track."""
    line = line_of(text)
    user, track = _first(line, "subjects"), _first(line, "objects")
    is_love = line is not None and line.properties.get("value") == LOVED
    if not is_love or user is None or track is None:
        yield text, None, (NO_LOVE, None)
    else:
        yield text, {"user_id": user, "track_id": track}, None


def track_of(text: str) -> Iterator[Row]:
    """Yield the track that a line describes."""
    line = line_of(text)
    if line is None or line.kind != "track":
        yield text, None, (NO_TRACK, None)
        return
    related = {name: _first(line, f"{name}s") for name in ("artist", "album", "tag")}
    yield text, {"track_id": line.number, "duration": line.properties.get("duration"), **related}, None


RowsOfLine = Callable[[str], Iterator[Row]]
IDOMAAR: dict[Form, RowsOfLine] = {
    "30music_sessions": plays_of,
    "30music_loves": love_of,
    "30music_tracks": track_of,
}
"""The three kinds of files, and how a line of each becomes rows."""


def _rows(line: bytes, rows_of: RowsOfLine) -> Iterator[Row]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return iter([(readable(line), None, (NOT_UTF8, None))])
    return rows_of(text)


def _list(line: IdomaarLine | None, name: str) -> list[Any]:
    related = line.relations.get(name) if line else None
    return related if isinstance(related, list) else []


def _first(line: IdomaarLine | None, name: str) -> Any:
    """Return the id of the first thing that a line relates to."""
    related = _list(line, name)
    return related[0].get("id") if related and isinstance(related[0], dict) else None
