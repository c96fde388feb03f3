"""Files that are whole or absent."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from uae_model.core.atomic import write_whole


@pytest.mark.parametrize(("content", "stored"), [("é\n", "é\n".encode()), (b"\x00\xff", b"\x00\xff")])
def test_text_and_bytes_are_written_with_their_folders(
    tmp_path: Path, content: str | bytes, stored: bytes
) -> None:
    write_whole(str(tmp_path / "a" / "b" / "file"), content)
    assert (tmp_path / "a" / "b" / "file").read_bytes() == stored
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["file"]


def test_a_second_file_replaces_the_first(tmp_path: Path) -> None:
    for content in ("first and long", "second"):
        write_whole(str(tmp_path / "file"), content)
    assert (tmp_path / "file").read_text() == "second"


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    write_whole(str(tmp_path / "file"), "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(str(tmp_path / "file"), "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_uri_of_other_storage_is_written_too() -> None:
    write_whole("memory://test-atomic/file", "content")
    with fsspec.open("memory://test-atomic/file", "r") as file:
        assert file.read() == "content"
