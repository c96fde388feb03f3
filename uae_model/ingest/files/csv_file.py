"""CSV as RFC 4180 and Python's ``csv`` module write it: the values are those that the module reads."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from typing import BinaryIO

from uae_model.ingest.files.layout import (
    BAD_QUOTES,
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
from uae_model.ingest.files.safe_text import shown_header
from uae_model.ingest.files.text import NotExactError, id_of_text, may_be_float

BATCH_RECORDS = 8192
MARK = "\ufeff"
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
    records = Records(text_lines(file, part, layout), layout)
    names = records.header()
    if names is None:
        return
    tell(tuple(map(readable, names)))
    places = _places(names, layout)
    while batch := records.next_batch():
        yield _rows(batch, len(names), places, layout)


class Records:
    """The records of lines, as Python's ``csv`` module reads them, each with its own text.

    The module takes any text for CSV. What no program writes, a quote that is never closed or text after a
    closing one, is a sign that the values are not the ones that were meant; such a record counts as one and
    has no values.
    """

    def __init__(self, lines: Iterator[str], layout: Layout) -> None:
        self._lines = self._recorded(lines)
        self._of_record: list[str] = []
        escape = layout.escape or None
        self._reader = partial(
            csv.reader, delimiter=layout.delimiter, quotechar=layout.quote, escapechar=escape
        )
        self._strict = self._reader(self._lines, strict=True)

    def header(self) -> list[str] | None:
        """Return the names of the first record that is not blank; None where there is none.

        Raises:
            UnreadableFileError: if it cannot be split.
        """
        try:
            first = next((record for record in self._strict if any(cell.strip() for cell in record)), None)
        except csv.Error as error:
            shown = readable("".join(self._of_record).strip())
            raise UnreadableFileError(f"its {shown_header(shown)} cannot be split: {BAD_QUOTES}") from error
        self._of_record.clear()
        return None if first is None else [name.strip() for name in first]

    def next_batch(self) -> list[tuple[list[str] | None, str]]:
        """Return some records with their text; a record whose quotes are wrong is None."""
        batch: list[tuple[list[str] | None, str]] = []
        lines = self._of_record
        while True:
            try:
                for record in islice(self._strict, BATCH_RECORDS - len(batch)):
                    batch.append((record, lines[0] if len(lines) == 1 else "".join(lines)))
                    lines.clear()
                return batch
            except csv.Error:
                next(self._reader(chain(tuple(lines), self._lines)), None)  # as far as the record goes
                batch.append((None, "".join(lines)))
                lines.clear()

    def _recorded(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            if not self._of_record and line.startswith(MARK):
                line = line.lstrip(MARK)  # of a file that was written behind another one
            self._of_record.append(line)
            yield line


def _rows(
    batch: list[tuple[list[str] | None, str]], width: int, places: list[int | None], layout: Layout
) -> Rows:
    kept = [(record, raw) for record, raw in batch if record != []]
    raws = [raw.rstrip("\r\n") for _, raw in kept]
    problems: Problems = {}
    good: list[list[str]] = []
    for place, (record, _) in enumerate(kept):
        if record is None:
            problems[place] = (BAD_QUOTES, None)
            good.append([""] * width)
        elif len(record) != width:
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
        if name in layout.ids and values is not None and may_be_float("".join(filter(None, values))):
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
            f"no column {', '.join(absent)} in the {shown_header(header)}{_other_delimiter(names, layout)}; "
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
