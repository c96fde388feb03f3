"""One part of a file into batches of rows, and a report of it, whatever the file holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

import pyarrow as pa

from uae_model.ingest.files.csv_file import read_csv
from uae_model.ingest.files.idomaar import IDOMAAR, read_idomaar
from uae_model.ingest.files.json_arrays import Usernames, read_json_arrays
from uae_model.ingest.files.json_lines import read_json_lines
from uae_model.ingest.files.layout import (
    FilePart,
    Layout,
    Report,
    Rows,
    UnreadableFileError,
    report_batch,
    to_batch,
)
from uae_model.ingest.files.opening import DAMAGE, codec_of
from uae_model.ingest.files.parquet_file import read_parquet
from uae_model.ingest.files.plain_lines import read_plain_lines
from uae_model.ingest.files.safe_text import place_of, without_values

Opener = Callable[[FilePart], AbstractContextManager[BinaryIO]]


def read_part(part: FilePart, layout: Layout, opened: Opener) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a part of a file as batches of ``batch_schema``; the last one is the report.

    Args:
        part: what to read.
        layout: what is read of it.
        opened: opens the part's file.

    A file that cannot be read raises nothing: its report says why, so that one pass over a slot tells of all
    its files. Whoever takes the rows has to look at the reports before they use them.
    """
    columns: list[str] = []
    hold_nothing = set(layout.columns) if layout.form == "jsonl" else set[str]()
    names = Usernames()
    rows, error = 0, ""
    try:
        with opened(part) as file:
            for rows_of_part in _parsed(file, part, layout, columns.extend, names, hold_nothing):
                rows += rows_of_part.count
                if rows_of_part.count:
                    yield to_batch(rows_of_part, part.name, layout)
    except UnreadableFileError as reason:
        error = str(reason)
    except DAMAGE as reason:
        what = "its compressed data are cut or damaged" if codec_of(part.path) else "it cannot be read"
        error = f"{what} ({without_values(reason)}); deliver it again"
    except Exception as reason:  # noqa: BLE001 - what is not foreseen is raised again, without its words
        if type(reason) is not LookupError:  # as codecs raise it: a missing key or index is no encoding
            raise _unforeseen(part, reason) from None
        error = f"{reason}; {layout.encoding_setting} = {layout.encoding!r} names no encoding of Python"
    lacking = set(layout.columns).difference(columns) if columns else hold_nothing if rows else set()
    absent = [name for name in layout.columns if name in lacking]
    report = Report(
        part.name,
        part.part,
        rows,
        error,
        tuple(columns),
        tuple(absent),
        tuple(sorted(names.digests)),
        part.listener,
    )
    yield report_batch(report, layout)


def _unforeseen(part: FilePart, reason: Exception) -> RuntimeError:
    """Return the error that ends the job, and names the file.

    What the reason says may hold a value of the feed, and stays out of the log.
    """
    return RuntimeError(f"file {part.name}: {type(reason).__name__} {place_of(reason)}")


def _parsed(
    file: BinaryIO,
    part: FilePart,
    layout: Layout,
    tell: Callable[[tuple[str, ...]], None],
    names: Usernames,
    hold_nothing: set[str],
) -> Iterator[Rows]:
    if layout.form == "csv":
        return read_csv(file, part, layout, tell)
    if layout.form == "parquet":
        return read_parquet(file, part, layout, tell)
    if layout.form == "json_arrays":
        return read_json_arrays(file, part, layout, names)
    if layout.form == "lines":
        return read_plain_lines(file, part, layout)
    if layout.form in IDOMAAR:
        return read_idomaar(file, part, layout, IDOMAAR[layout.form])
    return read_json_lines(file, part, layout, hold_nothing)
