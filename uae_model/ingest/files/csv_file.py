"""CSV as RFC 4180 and Python's ``csv`` module write it: the values are those that the module reads."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO

from uae_model.ingest.files.layout import (
    NOT_EXACT,
    NOT_SPLIT,
    NOT_UTF8,
    FilePart,
    Layout,
    Problems,
    Rows,
    UnreadableFileError,
)
from uae_model.ingest.files.opening import readable, text_lines
from uae_model.ingest.files.text import NotExactError, id_of_text

BATCH_RECORDS = 8192
DELIMITERS = {";": "a semicolon", "\t": "a tab", "|": "a bar", ",": "a comma", ":": "a colon"}

csv.field_size_limit(sys.maxsize)  # a long field is long, not an error

Header = Callable[[tuple[str, ...]], None]


def read_csv(file: BinaryIO, part: FilePart, layout: Layout, tell: Header) -> Iterator[Rows]:
    """Yield the records below the header; blank lines are no records.

    Args:
        file: the bytes.
        part: a whole file, or one part of several of a file without quotes.
        layout: the columns.
        tell: is told the header.

    Raises:
        UnreadableFileError: if the header lacks a column, has one twice, or is of another delimiter.
    """
    seen: list[str] = []
    records = csv.reader(_recorded(text_lines(file, part, layout), seen), delimiter=layout.delimiter)
    header = next((record for record in records if any(cell.strip() for cell in record)), None)
    if header is None:
        return
    names = [name.strip() for name in header]
    tell(tuple(names))
    places = _places(names, layout)
    seen.clear()
    while batch := _batch(records, seen):
        yield _rows(batch, len(names), places, layout)


def _recorded(lines: Iterator[str], seen: list[str]) -> Iterator[str]:
    for line in lines:
        seen.append(line)
        yield line


def _batch(records: Iterator[list[str]], seen: list[str]) -> list[tuple[list[str], str]]:
    """Return some records, each with its text; a record may stand on several lines."""
    first = int(getattr(records, "line_num"))  # noqa: B009 - csv's readers have no public type
    batch = []
    for record in islice(records, BATCH_RECORDS):
        last = int(getattr(records, "line_num"))  # noqa: B009
        batch.append((record, seen[0] if last - first == 1 else "".join(seen)))
        first = last
        seen.clear()
    return batch


def _rows(batch: list[tuple[list[str], str]], width: int, places: list[int | None], layout: Layout) -> Rows:
    kept = [(record, raw) for record, raw in batch if record]
    raws = [raw.rstrip("\r\n") for _, raw in kept]
    problems: Problems = {}
    good: list[list[str]] = []
    for place, (record, _) in enumerate(kept):
        if len(record) != width:
            problems[place] = (NOT_SPLIT, f"{len(record)} values under {width} columns")
            good.append([""] * width)
        else:
            good.append(record)
    table = list(zip(*good, strict=True)) if good else [()] * width
    columns: list[list[str | None] | tuple[str, ...] | None] = [
        None if place is None else table[place] for place in places
    ]
    if not "".join(raws).isascii():
        _mark_other_encodings(raws, columns, problems)
    for index, name in enumerate(layout.columns):
        values = columns[index]
        if name in layout.ids and values is not None and any("." in value for value in values if value):
            columns[index] = _ids(values, problems)
    return Rows(len(kept), columns, raws, problems)


def _mark_other_encodings(
    raws: list[str],
    columns: list[list[str | None] | tuple[str, ...] | None],
    problems: Problems,
) -> None:
    for place, raw in enumerate(raws):
        try:
            raw.encode()
        except UnicodeEncodeError:
            problems[place] = (NOT_UTF8, None)
            raws[place] = readable(raw)
            for index, values in enumerate(columns):
                if values is not None:
                    changed: list[str | None] = list(values)
                    changed[place] = None
                    columns[index] = changed


def _ids(values: list[str | None] | tuple[str, ...], problems: Problems) -> list[str | None]:
    ids: list[str | None] = []
    for place, value in enumerate(values):
        try:
            ids.append(id_of_text(value) if value else value)
        except NotExactError as error:
            problems[place] = (NOT_EXACT, str(error))
            ids.append(None)
    return ids


def _places(names: list[str], layout: Layout) -> list[int | None]:
    """Return where each column stands, None where the file has none of that name."""
    absent = [name for name in layout.required if name not in names]
    if absent:
        header = readable(layout.delimiter.join(names))
        raise UnreadableFileError(
            f"no column {', '.join(absent)} in the header {header[:300]!r}{_other_delimiter(names, layout)}; "
            f"name the source columns in {layout.setting}"
        )
    for name in layout.columns:
        if names.count(name) > 1:
            raise UnreadableFileError(
                f"column {name!r} stands {names.count(name)} times in the header; leave one"
            )
    return [names.index(name) if name in names else None for name in layout.columns]


def _other_delimiter(names: list[str], layout: Layout) -> str:
    text = names[0] if len(names) == 1 else ""
    others = {sign: text.count(sign) for sign in DELIMITERS if sign != layout.delimiter and sign in text}
    if not others:
        return ""
    sign = max(others, key=lambda candidate: others[candidate])
    setting = layout.encoding_setting.replace("encoding", "delimiter")
    return f", whose delimiter seems to be {DELIMITERS[sign]} (set {setting} = {sign!r})"
