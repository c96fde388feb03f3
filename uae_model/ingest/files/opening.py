"""Opening a file: compression, byte ranges of large files, and the encoding of text."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

import pyarrow as pa

from uae_model.ingest.files.layout import FilePart, Layout, UnreadableFileError

DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, pa.ArrowInvalid, OSError)
"""What a compressed file raises that was cut or changed."""


def _zstd(file: BinaryIO) -> IO[bytes]:
    return io.BufferedReader(cast(io.RawIOBase, pa.CompressedInputStream(file, "zstd")))


def _xz(file: BinaryIO) -> IO[bytes]:
    return cast(IO[bytes], lzma.LZMAFile(file))


def _gzip(file: BinaryIO) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=file))


CODECS: dict[str, Callable[[BinaryIO], IO[bytes]]] = {
    ".gz": _gzip,
    ".bz2": lambda file: cast(IO[bytes], bz2.BZ2File(file)),
    ".xz": _xz,
    ".zst": _zstd,
}
"""How to read what a suffix, in lower case, says is compressed."""

MARKS = {
    codecs.BOM_UTF32_LE: ("utf-32", "utf-32-le"),
    codecs.BOM_UTF32_BE: ("utf-32", "utf-32-be"),
    codecs.BOM_UTF16_LE: ("utf-16", "utf-16-le"),
    codecs.BOM_UTF16_BE: ("utf-16", "utf-16-be"),
    codecs.BOM_UTF8: ("utf-8", "utf-8-sig"),
}
"""Byte order marks at the start of a file, the longer ones first, and the encodings that begin with each."""


PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\x1f\x9d": "compress",
    b"\x04\x22\x4d\x18": "LZ4",
    b"\xff\x06\0\0sNaPpY": "Snappy",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"PAR1": "Parquet",
    b"ARROW1\0\0": "Arrow",
    b"ORC": "ORC",
    b"Obj\x01": "Avro",
    b"SQLite format 3\0": "SQLite",
    b"\xd0\xcf\x11\xe0": "Excel",
}
"""What a file holds that is no text, by its first bytes."""

TAR_MARK, TAR_PLACE = b"ustar", 257
"""The mark of a tar archive, and where it stands: behind the name of its first file and what fills it up."""

HEAD_BYTES = TAR_PLACE + len(TAR_MARK)
"""How many of a file's first bytes tell what it is."""


def codec_of(name: str) -> str:
    """Return the suffix of a compressed file in lower case; empty for any other."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in CODECS else ""


def unpacked(file: BinaryIO, part: FilePart) -> IO[bytes]:
    """Return the bytes of a file as they were before they were compressed.

    Raises:
        EOFError: if there is not one compressed byte: even nothing, compressed, has some.
    """
    codec = codec_of(part.path)
    if codec and not part.size:
        raise EOFError("it has no bytes")
    return CODECS[codec](file) if codec else file


def is_utf8(layout: Layout) -> bool:
    """Tell whether text is UTF-8, as it is unless the configuration says otherwise."""
    return codecs.lookup(layout.encoding).name in ("utf-8", "utf-8-sig")


def refuse_packed(head: bytes) -> None:
    """Raise UnreadableFileError if the first bytes of a text file say that it is none."""
    kind = next((name for mark, name in PACKED.items() if head.startswith(mark)), "")
    # An archive's first file would lend its name to the first value, its end be one more row.
    if head[TAR_PLACE:HEAD_BYTES] == TAR_MARK and b"\0" in head[:TAR_PLACE]:
        kind = "tar"
    if kind:
        raise UnreadableFileError(
            f"it holds {kind} data, no text; deliver text, or text whose name ends in {', '.join(CODECS)}"
        )


def refuse_other_mark(head: bytes, layout: Layout) -> None:
    """Raise UnreadableFileError if text begins with the mark of another encoding than the one configured.

    Some encodings, such as Latin-1, take any bytes: they would read a mark as letters of the first value.
    """
    marked = next((names for mark, names in MARKS.items() if head.startswith(mark)), ())
    if marked and codecs.lookup(layout.encoding).name not in marked:
        raise UnreadableFileError(
            f"its encoding is {marked[0].upper()}, not {layout.encoding.upper()}; "
            f'set {layout.encoding_setting} = "{marked[0]}"'
        )


def without_mark(head: bytes, layout: Layout) -> bytes:
    """Return the first bytes of UTF-8 text without its mark.

    Raises:
        UnreadableFileError: if they are of another encoding.
    """
    refuse_packed(head)
    refuse_other_mark(head, layout)
    start = head[:4]
    if len(start) >= 2 and b"\0" in start:
        raise UnreadableFileError(
            f"its encoding seems to be UTF-16 or UTF-32, not UTF-8; set {layout.encoding_setting}"
        )
    return head.removeprefix(codecs.BOM_UTF8)


def byte_lines(file: BinaryIO, part: FilePart, layout: Layout) -> Iterator[bytes]:
    """Yield the lines of a part as UTF-8, with their ends: those that begin in its range of bytes.

    Raises:
        UnreadableFileError: if the encoding is another than the one configured.
    """
    if not is_utf8(layout):
        for text in text_lines(file, part, layout):
            yield text.encode("utf-8", "surrogatepass")
        return
    stream = unpacked(file, part)
    start, end = part.size * part.part // part.parts, part.size * (part.part + 1) // part.parts
    if start == 0:
        first = stream.readline()
        if first:
            yield without_mark(first, layout)
        position = len(first)
    else:
        # The line that holds the byte before belongs to the part before.
        stream.seek(start - 1)
        position = start - 1 + len(stream.readline())
    if part.parts == 1:
        yield from stream
        return
    while position < end and (line := stream.readline()):
        position += len(line)
        yield line


def text_lines(file: BinaryIO, part: FilePart, layout: Layout) -> Iterator[str]:
    """Yield the lines of a whole file with their ends; a byte that is not UTF-8 stays as a surrogate.

    Raises:
        UnreadableFileError: if the encoding is another than the one configured.
    """
    utf8 = is_utf8(layout)
    stream = unpacked(file, part)
    buffered = io.BufferedReader(cast(io.RawIOBase, stream)) if not hasattr(stream, "peek") else stream
    head = cast(io.BufferedReader, buffered).peek(HEAD_BYTES)[:HEAD_BYTES]
    if utf8:
        without_mark(head, layout)
    else:
        refuse_packed(head)
        refuse_other_mark(head, layout)
    text = io.TextIOWrapper(
        cast(BinaryIO, buffered),
        encoding="utf-8-sig" if utf8 else layout.encoding,
        errors="surrogateescape" if utf8 else "strict",
        newline="",
    )
    try:
        yield from text
    except UnicodeError as error:
        raise UnreadableFileError(
            f"its text is not {layout.encoding}, as {layout.encoding_setting} says"
        ) from error


def readable(text: bytes | str) -> str:
    """Return text in which bytes that are not UTF-8, and halves of characters, are written out."""
    if isinstance(text, bytes):
        return text.decode("utf-8", "backslashreplace")
    if _has_bytes(text):
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text.encode("utf-8", "backslashreplace").decode()


def _has_bytes(text: str) -> bool:
    """Tell whether all surrogates of a text stand for bytes that are not UTF-8."""
    if text.isascii():
        return False
    surrogates = [letter for letter in text if "\ud800" <= letter <= "\udfff"]
    return bool(surrogates) and all("\udc80" <= letter <= "\udcff" for letter in surrogates)
