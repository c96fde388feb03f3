"""Errors of readers hold no value of the feed."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

import pytest

from uae_model.ingest.files import FilePart, Layout, Report, read_part
from uae_model.ingest.files.safe_text import place_of, shown_header, without_values


def test_quoted_text_and_long_numbers_are_left_out() -> None:
    error = ValueError("row 12: 'ann@example.org' is no number, nor is \"bob\" or 4711001, in 3\ncolumns")
    assert without_values(error) == "row 12: … is no number, nor is … or …, in 3 columns"
    assert len(without_values(ValueError("a " * 500))) == 200


@pytest.mark.parametrize("text", ["user,track,played at", "user_id;song", '"user_id,song_id'])
def test_a_header_is_shown(text: str) -> None:
    assert shown_header(f"{text}\nann,4711") == f"header {text!r}"


@pytest.mark.parametrize(
    "text", ["ann,song,2026-01-05", "4711;s;x", "a@b.org\tsong", "ann|song|10:00", '"4711", s', "ann, -1"]
)
def test_a_first_row_is_not(text: str) -> None:
    told = shown_header(text)
    assert "is the header missing?" in told
    assert not any(value in told for value in ("ann", "4711", "a@b.org"))


def test_a_file_without_a_header_gives_no_id_away() -> None:
    layout = Layout("csv", ("user_id", "song_id"), ("user_id", "song_id"))
    content = io.BytesIO(b"ann,song-1,2026-01-05T10:00:00Z\n")
    (batch,) = read_part(FilePart("a.csv", "slot/a.csv", 32), layout, lambda part: cast(BinaryIO, content))
    report = Report.of_text(batch.column("report")[0].as_py())
    assert report.error.startswith("no column user_id, song_id in the header (not shown")
    assert "ann" not in report.error


def test_an_error_that_nobody_foresaw_tells_its_kind_and_place_alone() -> None:
    class Spoilt(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise KeyError("ann@example.org")

        readline = peek = read

    part, told = FilePart("a", "slot/a.json", 9), r"^file slot/a.json: KeyError at test_safe_text.py:\d+$"
    with pytest.raises(RuntimeError, match=told) as failure:
        list(read_part(part, Layout("jsonl"), lambda _: cast(BinaryIO, Spoilt())))
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__


def test_an_error_without_a_traceback_has_no_place() -> None:
    assert place_of(ValueError("x")) == "at an unknown place"
