"""JSON lines: one object a line, or several; a line that holds anything else is one bad row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

import orjson

from uae_model.ingest.files.layout import (
    LARGEST_EXACT,
    NO_OBJECT,
    NOT_EXACT,
    NOT_UTF8,
    FilePart,
    Layout,
    Problem,
    Problems,
    Rows,
)
from uae_model.ingest.files.opening import byte_lines, readable
from uae_model.ingest.files.text import JsonNumber, NotExactError, is_plain, text_of_json

BATCH_LINES = 8192

_DECODER = json.JSONDecoder(parse_float=JsonNumber)
_SPACE = " \t\r\n\v\f\ufeff"


def read_json_lines(file: BinaryIO, part: FilePart, layout: Layout, absent: set[str]) -> Iterator[Rows]:
    """Yield the objects of the lines; blank lines are no rows.

    Args:
        file: the bytes.
        part: which of the file's lines.
        layout: the columns.
        absent: names of columns, from which those are taken away that hold something.
    """
    lines = byte_lines(file, part, layout)
    while batch := list(islice(lines, BATCH_LINES)):
        rows = rows_of(batch, layout)
        for name, values in zip(layout.columns, rows.columns, strict=True):
            if name in absent and any(value is not None for value in values):
                absent.discard(name)
        yield rows


def rows_of(lines: list[bytes], layout: Layout) -> Rows:
    """Return the rows of some lines: quickly where each is one object, else line by line."""
    kept = [line for line in map(bytes.strip, lines) if line]
    try:
        objects: list[Any] = [orjson.loads(line) for line in kept]
        raw = [line.decode() for line in kept]
    except ValueError:
        return _slowly(kept, layout)
    if not {dict}.issuperset(map(type, objects)):
        return _slowly(kept, layout)
    columns = []
    for name in layout.columns:
        values = (
            [value_at(one, name) for one in objects] if "." in name else [one.get(name) for one in objects]
        )
        if not is_plain(values):
            is_id, is_label = name in layout.ids, name in layout.labels
            if (is_id or is_label) and any(map(_is_rounded, values)):
                return _slowly(kept, layout)
            values = [text_of_json(value, is_id=is_id, is_label=is_label) for value in values]
        columns.append(values)
    return Rows(len(kept), columns, raw)


def value_at(one: dict[str, Any], name: str) -> Any:
    """Return the value of a name, or of a path into nested objects: ``user.id``; None where there is none.

    A name that has the dot itself comes before a path.
    """
    if name in one or "." not in name:
        return one.get(name)
    value: Any = one
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _is_rounded(value: Any) -> bool:
    """Tell whether a number, or one within, may be another than the file has: orjson rounds above 64 bits."""
    if isinstance(value, dict | list):
        return any(map(_is_rounded, value.values() if isinstance(value, dict) else value))
    return type(value) is float and abs(value) >= LARGEST_EXACT


def objects_of(line: bytes) -> tuple[list[tuple[str, Any]], Problem | None]:
    """Return the objects of a line with their text, or what is wrong with it."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return [], (NOT_UTF8, None)
    parsed, place = [], _after_space(text, 0)
    while place < len(text):
        try:
            value, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            return [], (NO_OBJECT, None)
        if not isinstance(value, dict):
            return [], (NO_OBJECT, None)
        parsed.append((text[place:end], value))
        place = _after_space(text, end)
    return parsed, None


def _after_space(text: str, place: int) -> int:
    while place < len(text) and text[place] in _SPACE:
        place += 1
    return place


def _slowly(lines: list[bytes], layout: Layout) -> Rows:
    raw: list[str] = []
    table: list[list[str | None]] = []
    problems: Problems = {}
    for line in lines:
        objects, problem = objects_of(line)
        if problem:
            problems[len(raw)] = problem
            raw.append(readable(line))
            table.append([None] * len(layout.columns))
        for text, value in objects:
            cells, wrong = cells_of(value, layout)
            if wrong:
                problems[len(raw)] = wrong
            raw.append(readable(text))
            table.append(cells)
    columns: list[Any] = list(zip(*table, strict=True)) if table else [[] for _ in layout.columns]
    return Rows(len(raw), columns, raw, problems)


def cells_of(value: dict[str, Any], layout: Layout) -> tuple[list[str | None], Problem | None]:
    """Return the columns of an object as text, or what is wrong with one of them."""
    cells: list[str | None] = []
    for name in layout.columns:
        try:
            cell = text_of_json(
                value_at(value, name), is_id=name in layout.ids, is_label=name in layout.labels
            )
            if cell is not None:
                cell.encode()
        except NotExactError as error:
            return [None] * len(layout.columns), (NOT_EXACT, str(error))
        except UnicodeEncodeError:
            return [None] * len(layout.columns), (NOT_UTF8, readable(str(value_at(value, name))))
        cells.append(cell)
    return cells, None
