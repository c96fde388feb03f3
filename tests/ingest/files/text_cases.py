"""What any file of text may have: odd values, compression, encodings."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable

import pyarrow as pa

from tests.ingest.files.cases import Case, with_artist
from tests.ingest.files.writers import ARTIST, PLAYS, TEXT_FORMS, WRITERS

VALUES = {
    "quotes": 'Live "at" Home',
    "a delimiter": "One, Two; Three\tFour",
    "a backslash": "back\\",
    "a line break": "first\nsecond",
    "a return": "first\r\nsecond",
    "another script": "坂本龍一 Ø 🎵",
    "spaces": "  in between  ",
    "a brace": '}{"a": [1',
    "an empty text": "",
    "a quote alone": '"',
    "a null byte": "a\0b",
    "a separator of lines": "a\u2028b\x0bc\x85d",
}


def same_values() -> dict[str, Case]:
    return {
        f"{form}: a value with {what}": Case(
            form, with_artist(form, text), rows=3, values={ARTIST[form]: ["Artist 0", text, "Artist 2"]}
        )
        for form in WRITERS
        for what, text in VALUES.items()
    }


ARCHIVES = {
    "7-Zip": b"7z\xbc\xaf\x27\x1c",
    "RAR": b"Rar!\x1a\x07",
    "LZ4": b"\x04\x22\x4d\x18",
    "Snappy": b"\xff\x06\0\0sNaPpY",
    "compress": b"\x1f\x9d",
    "Arrow": b"ARROW1\0\0",
    "Excel": b"\xd0\xcf\x11\xe0",
    "SQLite": b"SQLite format 3\0",
}


def tar(content: bytes) -> bytes:
    """Return an archive of one file: its name, then 512 bytes further its content, then zeros."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        member = tarfile.TarInfo("plays")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return sink.getvalue()


def archives() -> dict[str, Case]:
    cases = {}
    for form in TEXT_FORMS:
        content = WRITERS[form](PLAYS)
        for name, mark in ARCHIVES.items():
            cases[f"{form}: {name}"] = Case(form, mark + content, error=f"{name} data, no text")
        archive = tar(content)
        cases[f"{form}: a tar archive"] = Case(form, archive, error="tar data, no text")
        packed = gzip.compress(archive)
        cases[f"{form}: a tar.gz archive"] = Case(form, packed, error="tar data, no text", name="a.tar.gz")
        cases[f"{form}: a tar archive, Latin-1 set"] = Case(
            form, archive, error="tar data, no text", settings={"encoding": "latin-1"}
        )
        for suffix in (".gz", ".bz2", ".xz", ".zst"):
            cases[f"{form}: {suffix} of no bytes"] = Case(
                form, b"", error="cut or damaged", name="a" + suffix
            )
    return cases


def compressed() -> dict[str, Case]:
    cases = {}
    packers: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
        ".zst": lambda content: bytes(pa.compress(content, "zstd", asbytes=True)),
    }
    for form in TEXT_FORMS:
        content = WRITERS[form](PLAYS)
        for suffix, pack in packers.items():
            cases[f"{form}: {suffix}"] = Case(form, pack(content), rows=3, name="A.TXT" + suffix.upper())
            cut = pack(content)[:-9]
            cases[f"{form}: {suffix} cut"] = Case(form, cut, error="cut or damaged", name="a" + suffix)
            twice = pack(content) + pack(content)
            cases[f"{form}: {suffix} of two members"] = Case(
                form, twice, rows=6 + (form == "csv"), name="a" + suffix
            )
            after = pack(content) + b"<eof>"
            if suffix == ".gz":
                cases[f"{form}: text after {suffix}"] = Case(form, after, error="cut or damaged", name="a.gz")
            cases[f"{form}: {suffix} under no such name"] = Case(form, pack(content), error="data, no text")
            cases[f"{form}: {suffix} twice"] = Case(
                form, pack(pack(content)), error="data, no text", name="a" + suffix
            )
        cases[f"{form}: a zip archive"] = Case(form, b"PK\x03\x04" + content, error="zip data, no text")
        cases[f"{form}: Parquet"] = Case(form, b"PAR1" + content, error="Parquet data, no text")
        cases[f"{form}: no gz at all"] = Case(form, content, error="cut or damaged", name="a.gz")
    return cases


def encodings() -> dict[str, Case]:
    cases = {}
    for form in TEXT_FORMS:
        content = with_artist(form, "Zoé")
        other = content.decode().encode("latin-1")
        right = {ARTIST[form]: ["Artist 0", "Zoé", "Artist 2"]}
        cases[f"{form}: Latin-1"] = Case(form, other, rows=2, bad=1, kinds=("the text is not UTF-8",))
        cases[f"{form}: Latin-1 by setting"] = Case(
            form, other, rows=3, settings={"encoding": "latin-1"}, values=right
        )
        utf16 = content.decode().encode("utf-16")
        cases[f"{form}: UTF-16"] = Case(form, utf16, error='UTF-16, not UTF-8; set feed.encoding = "utf-16"')
        cases[f"{form}: UTF-16 without its mark"] = Case(form, utf16[2:], error="seems to be UTF-16")
        cases[f"{form}: UTF-16 by setting"] = Case(
            form, utf16, rows=3, settings={"encoding": "utf-16"}, values=right
        )
        cases[f"{form}: UTF-8 where UTF-16 is set"] = (
            Case(form, content + b" ", error="text is not utf-16", settings={"encoding": "utf-16-le"})
            if len(content) % 2 == 0
            else Case(form, content, error="text is not utf-16", settings={"encoding": "utf-16-le"})
        )
        for encoding in ("utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "utf-7"):
            cases[f"{form}: {encoding} by setting"] = Case(
                form, content.decode().encode(encoding), rows=3, settings={"encoding": encoding}, values=right
            )
        marked = content.decode().replace("Zoé", "Zoe")
        cases[f"{form}: a mark of UTF-16 where the order is set"] = Case(
            form, ("\ufeff" + marked).encode("utf-16-le"), rows=3, settings={"encoding": "utf-16-le"}
        )
        cases[f"{form}: no mark where UTF-16 is set"] = Case(
            form,
            content + b" " * (len(content) % 2),
            error="text is not utf-16",
            settings={"encoding": "utf-16"},
        )
        for marked in ("utf-8-sig", "utf-16", "utf-32"):
            told = marked.removesuffix("-sig")
            cases[f"{form}: Latin-1 is set and a mark says {told}"] = Case(
                form,
                content.decode().encode(marked),
                error=f'{told.upper()}, not LATIN-1; set feed.encoding = "{told}"',
                settings={"encoding": "latin-1"},
            )
        cases[f"{form}: the other order than the one set"] = Case(
            form,
            ("\ufeff" + content.decode()).encode("utf-16-be"),
            error="UTF-16, not UTF-16-LE",
            settings={"encoding": "utf-16-le"},
        )
        mark = b"\xef\xbb\xbf"
        cases[f"{form}: two files with marks, one behind the other"] = Case(
            form,
            (mark + content + b"\n") * 2,
            rows=6 + (form == "csv"),  # its second header is a row whose time cannot be read
        )
        cases[f"{form}: a mark of UTF-8"] = Case(form, b"\xef\xbb\xbf" + content, rows=3, values=right)
        cases[f"{form}: no such encoding"] = Case(
            form, content, error="names no encoding", settings={"encoding": "utf-99"}
        )
        cases[f"{form}: nothing"] = Case(form, b"")
        cases[f"{form}: blank lines"] = Case(form, b"\n\r\n \n")
    return cases
