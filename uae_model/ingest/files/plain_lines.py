"""Lines of a dataset with a form of its own: the text alone, split elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from uae_model.ingest.files.layout import NOT_UTF8, FilePart, Layout, Problems, Rows
from uae_model.ingest.files.opening import byte_lines, readable

BATCH_LINES = 8192


def read_plain_lines(file: BinaryIO, part: FilePart, layout: Layout) -> Iterator[Rows]:
    """Yield the lines that are not blank."""
    lines = byte_lines(file, part, layout)
    while batch := list(islice(lines, BATCH_LINES)):
        kept = [line.rstrip(b"\r\n") for line in batch if line.strip()]
        raw: list[str] = []
        problems: Problems = {}
        for place, line in enumerate(kept):
            try:
                raw.append(line.decode())
            except UnicodeDecodeError:
                problems[place] = (NOT_UTF8, None)
                raw.append(readable(line))
        yield Rows(len(kept), [], raw, problems)
