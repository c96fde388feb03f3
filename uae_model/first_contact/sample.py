"""Some rows of a feed of which nothing is known yet, as the parsers of ingest see them."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from uae_model.core.errors import InputError
from uae_model.ingest.files import FilePart, Layout, Report, read_part
from uae_model.ingest.files.csv_file import DELIMITERS, Records
from uae_model.ingest.files.json_lines import objects_of
from uae_model.ingest.files.layout import Form, UnreadableFileError
from uae_model.ingest.files.opening import DAMAGE, MARKS, byte_lines, text_lines, unpacked
from uae_model.ingest.files.parquet_columns import columns_of
from uae_model.ingest.files.parquet_file import is_readable
from uae_model.ingest.listing import SUFFIXES, is_data

SAMPLED_FILES = 3
"""Of many files the first, the middle and the last one are read."""

SAMPLED_ROWS = 100_000
"""Rows that are read of each of them, at most."""

HEAD_BYTES = 1_000_000
HEAD_LINES = 2_000
DELIMITER_LINES = 100
SAME_WIDTH = 0.9
"""Share of the first lines that a delimiter must split into as many values as the header has."""

PARQUET_MARK = b"PAR1"


@dataclass(frozen=True)
class FeedSample:
    """What was read.

    Attributes:
        files: all data files, in order.
        read: those that were read.
        layout: the form of the files, and how their text is written.
        columns: the values of each column as text, None where there is none; all of one length.
        file_of_row: which of ``read`` a row came from.
        typed_times: the columns that hold timestamps or dates of Parquet.
        left_out: the columns that no feature can be read from, with the reason.
        faults: how many rows cannot be split, by the kind of their fault.
        is_whole: whether every row of every file was read.
    """

    files: tuple[Path, ...]
    read: tuple[Path, ...]
    layout: Layout
    columns: dict[str, list[str | None]]
    file_of_row: list[int]
    typed_times: frozenset[str] = frozenset()
    left_out: dict[str, str] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    is_whole: bool = True

    @property
    def rows(self) -> int:
        """How many rows were read, those that cannot be split left out."""
        return len(self.file_of_row)


def read_sample(path: Path) -> FeedSample:
    """Read some rows of a file, or of the files of a folder and the folders below it.

    Raises:
        InputError: if there is none, or one that is no table of plays: in words, with what to do.
    """
    files = data_files(path)
    form = form_of(files[0])
    files = tuple(file for file in files if is_data(str(file), form))
    if not files:
        raise InputError(
            f"{path}: the content is {form}, but the name is that of another format, by which the file would "
            f"be left out; rename it to end in {' or '.join(SUFFIXES[form])}"
        )
    try:
        return _read(files, form)
    except (UnreadableFileError, *DAMAGE) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from error


def data_files(path: Path) -> tuple[Path, ...]:
    """Return the files that ingest would take for data of some format, in order; hidden ones are none.

    Raises:
        InputError: if there is none.
    """
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise InputError(f"{path}: there is no such file or folder")
    below = sorted(file for file in path.rglob("*") if file.is_file() and not _is_hidden(file, path))
    files = tuple(
        file for file in below if any(is_data(str(file), form) for form in ("parquet", "jsonl", "csv"))
    )
    if not files:
        raise InputError(f"{path}: the folder holds no CSV, JSON lines or Parquet file")
    return files


def _is_hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in file.relative_to(root).parts)


def form_of(file: Path) -> Form:
    """Return the form that a file's content has.

    Raises:
        InputError: if it is empty, or JSON that is not one object a line.
    """
    head = _head(file)
    if head.startswith(PARQUET_MARK):
        return "parquet"
    text = head.decode(encoding_of(head), "replace").lstrip("\ufeff \t\r\n")
    if not text:
        raise InputError(f"{file}: the file is empty")
    if text.startswith("["):
        raise InputError(
            f"{file}: the file is one JSON array; write one object a line "
            f"(jq -c '.[]' {file.name} > plays.jsonl)"
        )
    if not text.startswith("{"):
        return "csv"
    first = text.splitlines()[0]
    if objects_of(first.encode("utf-8", "replace"))[1] is not None and len(head) > len(first) + 1:
        raise InputError(
            f"{file}: a JSON object stands over several lines; write one object a line "
            f"(jq -c . {file.name} > plays.jsonl)"
        )
    return "jsonl"


def encoding_of(head: bytes) -> str:
    """Return the encoding of text by its first bytes: a byte order mark, UTF-8, else that of Windows."""
    for mark, names in MARKS.items():
        if head.startswith(mark):
            return names[0]
    for name in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(name)().decode(head)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return unpacked(opened, _part(file)).read(HEAD_BYTES)
    except DAMAGE as error:
        raise InputError(f"{file}: it cannot be read ({' '.join(str(error).split())[:200]})") from error


def _part(file: Path) -> FilePart:
    return FilePart(str(file), file.name, file.stat().st_size)


def _read(files: tuple[Path, ...], form: Form) -> FeedSample:
    layout = _text_layout(files[0], form)
    chosen = _spread(files)
    names: dict[str, None] = {}
    left_out: dict[str, str] = {}
    times: set[str] = set()
    for file in chosen:
        of_file, bad, typed = _names(file, layout)
        names.update(dict.fromkeys(of_file))
        left_out.update(bad)
        times |= typed
    read_names = tuple(name for name in names if name not in left_out)
    layout = replace(layout, columns=read_names)
    sample = FeedSample(
        files, chosen, layout, {name: [] for name in read_names}, [], frozenset(times), left_out
    )
    is_whole = chosen == files
    for index, file in enumerate(chosen):
        is_whole &= _read_file(file, index, sample)
    if not sample.rows:
        kinds = "; ".join(sample.faults) or "there is none below the header"
        raise UnreadableFileError(f"no row can be read: {kinds}")
    return replace(sample, is_whole=is_whole)


def _spread(files: tuple[Path, ...]) -> tuple[Path, ...]:
    if len(files) <= SAMPLED_FILES:
        return files
    return files[0], files[len(files) // 2], files[-1]


def _read_file(file: Path, index: int, sample: FeedSample) -> bool:
    """Add a file's rows to a sample; tell whether these are all."""
    read = 0
    for batch in read_part(_part(file), sample.layout, _opened):
        reports = batch.column("report").drop_null()
        if len(reports):
            error = Report.of_text(reports[0].as_py()).error
            if error:
                raise UnreadableFileError(f"{file.name}: {error}")
            continue
        if read >= SAMPLED_ROWS:
            return False
        read += batch.num_rows
        _add(batch, index, sample)
    return True


def _add(batch: pa.RecordBatch, index: int, sample: FeedSample) -> None:
    problems = batch.column("problem")
    for problem in problems.drop_null().to_pylist():
        sample.faults[problem] = sample.faults.get(problem, 0) + 1
    good = batch.filter(problems.is_null()).column("fields")
    for name, values in zip(sample.layout.columns, good.flatten(), strict=True):
        sample.columns[name] += [
            None if value is None or not value.strip() else value for value in values.to_pylist()
        ]
    sample.file_of_row.extend([index] * len(good))


def _opened(part: FilePart) -> AbstractContextManager[BinaryIO]:
    return Path(part.path).open("rb")


Names = tuple[Sequence[str], dict[str, str], set[str]]
"""Of the columns of a file: their names, why some cannot be read, and which are typed as times."""


def _names(file: Path, layout: Layout) -> Names:
    if layout.form == "parquet":
        return _parquet_names(file)
    return _json_names(file, layout) if layout.form == "jsonl" else _csv_names(file, layout)


def _parquet_names(file: Path) -> Names:
    schema = pq.ParquetFile(file).schema_arrow
    types = {name: column.type for name, column in columns_of(schema).items()}
    bad = {
        name: f"is of type {kind}, which no column of a feed can be: write its parts as columns"
        for name, kind in types.items()
        if not is_readable(kind)
    }
    times = {name for name, kind in types.items() if pa.types.is_timestamp(kind) or pa.types.is_date(kind)}
    return tuple(types), {**bad, **_twice(schema.names)}, times


def _csv_names(file: Path, layout: Layout) -> Names:
    with file.open("rb") as opened:
        names = Records(text_lines(opened, _part(file), layout), layout).header() or []
    if len(names) < 2:
        raise UnreadableFileError(f"{file.name}: its header has one column alone; give its columns names")
    if any(_is_a_value(name) for name in names):
        raise UnreadableFileError(
            f"{file.name}: its first line {layout.delimiter.join(names)[:120]!r} seems to hold values; put a "
            "header with the names of the columns above it"
        )
    return names, _twice(names), set()


def _is_a_value(name: str) -> bool:
    return any(letter.isdigit() for letter in name) and not any(letter.isalpha() for letter in name)


def _twice(names: Sequence[str]) -> dict[str, str]:
    nameless = {"": "has no name"} if "" in names else {}
    return {**{name: "stands more than once" for name in names if list(names).count(name) > 1}, **nameless}


def _json_names(file: Path, layout: Layout) -> Names:
    names: dict[str, None] = {}
    with file.open("rb") as opened:
        for line in islice(byte_lines(opened, _part(file), layout), HEAD_LINES):
            for _, value in objects_of(line.strip())[0]:
                names.update(dict.fromkeys(_paths(value)))
    return tuple(names), {}, set()


def _paths(one: dict[str, Any], above: str = "") -> Iterator[str]:
    """Yield the names of an object, and of the objects in it: ``user.id``."""
    for name, value in one.items():
        path = f"{above}{name}"
        if isinstance(value, dict) and value:
            yield from _paths(value, f"{path}.")
        else:
            yield path


def _text_layout(file: Path, form: Form) -> Layout:
    """Return how a file's text is written: its encoding, and what stands between the values of CSV."""
    if form == "parquet":
        return Layout(form)
    head = _head(file)
    encoding = encoding_of(head)
    if form == "jsonl":
        return Layout(form, encoding=encoding)
    text = codecs.getincrementaldecoder(encoding)().decode(head).lstrip("\ufeff")
    lines = [line for line in text.splitlines(keepends=True)[:DELIMITER_LINES] if line.strip()]
    escape = "\\" if '\\"' in text else ""
    delimiter, quote = _delimiter_and_quote(lines, escape)
    return Layout(form, encoding=encoding, delimiter=delimiter, quote=quote, escape=escape)


def _delimiter_and_quote(lines: list[str], escape: str) -> tuple[str, str]:
    """Return the signs that split most lines into as many values as the header, into most of them."""
    quotes = ['"', "'"] if any(line.lstrip().startswith("'") for line in lines) else ['"']
    best = (1, ",", '"')
    for quote in quotes:
        for sign in DELIMITERS:
            records = csv.reader(lines, delimiter=sign, quotechar=quote, escapechar=escape or None)
            widths = [len(record) for record in records if record]
            if widths.count(widths[0]) >= SAME_WIDTH * len(widths) and widths[0] > best[0]:
                best = (widths[0], sign, quote)
    return best[1], best[2]
