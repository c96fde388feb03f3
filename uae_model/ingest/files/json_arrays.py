"""JSON arrays of entries, as Spotify exports them: entries before and after a damage are rows.

The array is read entry by entry with Python's own decoder, so that a trailing comma, an end that is cut, or a
second array loses nothing but what is damaged, which is one bad row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from uae_model.ingest.files.json_lines import cells_of
from uae_model.ingest.files.layout import (
    DAMAGED,
    NO_ENTRY,
    NOT_UTF8,
    FilePart,
    Layout,
    Problem,
    Problems,
    Rows,
    UnreadableFileError,
)
from uae_model.ingest.files.opening import readable, text_lines
from uae_model.ingest.files.text import JsonNumber

BATCH_ENTRIES = 8192

ADDRESS = re.compile(r'("ip_addr[a-z_]*"\s*:\s*)"[^"]*("|$)')
"""The network address, under its present and its former name, whole or cut."""

ADDRESS_ITSELF = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|\b(?:[0-9a-f]{1,4}:){3,}[0-9a-f:]*", re.IGNORECASE)
"""An address (IPv4 or IPv6) whose name, or a character beside it, is damaged."""

LISTENER = "listener"
"""The column that holds the folder of the file: the listener, where no entry has to say it."""

USERNAME, OTHER_EXPORT = "username", "endTime"

_DECODER = json.JSONDecoder(parse_float=JsonNumber)
_NEXT_ENTRY = re.compile(r"[,\[\n]\s*(?=\{)")
_SPACE = re.compile(r"[\s\ufeff]*")


class Usernames:
    """The names that entries carry, hashed: more than one in a listener's files is a mistake."""

    def __init__(self) -> None:
        self.digests: set[str] = set()

    def add(self, entry: dict[str, Any]) -> None:
        """Take note of the name of an entry."""
        name = entry.get(USERNAME)
        if isinstance(name, str) and name.strip():
            self.digests.add(hashlib.sha256(name.strip().encode("utf-8", "replace")).hexdigest()[:16])


def read_json_arrays(file: BinaryIO, part: FilePart, layout: Layout, names: Usernames) -> Iterator[Rows]:
    """Yield the entries of a file; the column ``LISTENER`` holds the part's listener.

    Raises:
        UnreadableFileError: if the file is of the account data, which tell no tracks.
    """
    text = "".join(text_lines(file, part, layout))
    raw: list[str] = []
    table: list[list[str | None]] = []
    problems: Problems = {}
    for piece, entry in entries_of(text):
        cells: list[str | None] = [None] * len(layout.columns)
        problem: Problem | None = None
        if entry is None:
            problem = (DAMAGED, None)
        elif not isinstance(entry, dict):
            problem = (NO_ENTRY, None)
        else:
            if OTHER_EXPORT in entry and "ts" not in entry:
                raise UnreadableFileError(
                    "it is of Spotify's account data, which have endTime and no tracks; request the "
                    '"Extended streaming history" and leave this file out'
                )
            names.add(entry)
            cells, problem = cells_of({**entry, LISTENER: part.listener}, layout)
        clean = ADDRESS_ITSELF.sub("", ADDRESS.sub(r"\1null", piece))
        if problem is None and readable(clean) != clean:
            cells, problem = [None] * len(layout.columns), (NOT_UTF8, None)
        if problem:
            problems[len(raw)] = problem
        raw.append(readable(clean))
        table.append(cells)
        if len(raw) == BATCH_ENTRIES:
            yield Rows(len(raw), list(zip(*table, strict=True)), raw, problems)
            raw, table, problems = [], [], {}
    if raw:
        yield Rows(len(raw), list(zip(*table, strict=True)), raw, problems)


def entries_of(text: str) -> Iterator[tuple[str, Any]]:
    """Yield each entry of the arrays of a text with its own text; None for a damaged piece.

    An entry that stands outside of an array is one as well: a program that writes an object a line leaves the
    brackets out.
    """
    place = _skip(text, 0)
    inside = False
    while place < len(text):
        sign = text[place]
        if not inside and sign == "[":
            inside, place = True, _skip(text, place + 1)
        elif inside and sign == "]":
            inside, place = False, _skip(text, place + 1)
        elif inside and sign == ",":
            place = _skip(text, place + 1)
        else:
            value, end = _entry(text, place)
            if end is None or not (inside or _is_flat(value)):
                end, inside = _after_damage(text, place)
                yield text[place:end].strip(), None
            else:
                yield text[place:end], value if value is not None else "null"
            place = _skip(text, end)


def _entry(text: str, place: int) -> tuple[Any, int | None]:
    try:
        return _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        return None, None


def _is_flat(value: Any) -> bool:
    """Tell whether a value can be an entry, and not what stands around a list of them."""
    return isinstance(value, dict) and not any(isinstance(part, dict | list) for part in value.values())


def _after_damage(text: str, place: int) -> tuple[int, bool]:
    """Return where the next whole entry begins, and whether there is one."""
    for start in _NEXT_ENTRY.finditer(text, place + 1):
        value, _ = _entry(text, start.end())
        if isinstance(value, dict):
            return start.end(), True
    return len(text), False


def _skip(text: str, place: int) -> int:
    blank = _SPACE.match(text, place)
    return blank.end() if blank else place
