"""Plays written as files of each format, and ways in which such a file can be damaged, with what is right."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from uae_model.ingest.files import FilePart, Layout, Report, read_part
from uae_model.ingest.files.layout import Form

COLUMNS = ("event_id", "user_id", "song_id", "played_at", "played_ms", "feedback", "artist")
SPOTIFY = ("ts", "ms_played", "spotify_track_uri", "master_metadata_album_artist_name", "listener")

Row = dict[str, object]

PLAYS: list[Row] = [
    {
        **{"event_id": f"e{number}", "user_id": f"u{number % 2}", "song_id": f"s{number}"},
        **{"played_at": f"2026-03-02T09:0{number}:00Z", "played_ms": 30000, "feedback": "auto_play"},
        "artist": f"Artist {number}",
    }
    for number in range(3)
]


@dataclass
class Outcome:
    """What a reader made of a file."""

    rows: list[dict[str, str | None]]
    problems: list[tuple[str, str | None, str]]
    report: Report

    @property
    def counted(self) -> int:
        return len(self.rows) + len(self.problems)


def layout_of(form: Form, **settings: object) -> Layout:
    """Return what is read of a file of plays."""
    if form == "json_arrays":
        return Layout(form, SPOTIFY, **settings)  # type: ignore[arg-type]
    if form == "lines":
        return Layout(form, **settings)  # type: ignore[arg-type]
    required = ("user_id", "song_id", "played_at", "feedback")
    ids, labels = frozenset(COLUMNS[:3]), frozenset({"artist"})
    return Layout(form, COLUMNS, required, ids, labels, "played_at", **settings)  # type: ignore[arg-type]


def outcome(content: bytes, layout: Layout, name: str = "a") -> Outcome:
    """Read a file from its bytes; a report comes last, once, and counts the rows."""
    part = FilePart(name, name, len(content), listener="left")
    batches = list(read_part(part, layout, lambda _: io.BytesIO(content)))
    *rows, last = [row for batch in batches for row in batch.to_pylist()]
    report = Report.of_text(last["report"])
    assert all(row["report"] is None and row["source"] == name for row in rows)
    assert report.rows == len(rows)
    bad = [(row["problem"], row["value"], row["raw"]) for row in rows if row["problem"]]
    assert all(row["fields"] is None for row in rows if row["problem"])
    good = [
        {**(row["fields"] or {}), "raw": row["raw"], "instant": row["instant"]}
        for row in rows
        if not row["problem"]
    ]
    return Outcome(good, bad, report)


def as_csv(rows: Sequence[Row], delimiter: str = ",", end: str = "\r\n") -> bytes:
    """Write rows as Python's csv module does."""
    text = io.StringIO()
    names = list(rows[0]) if rows else list(COLUMNS)
    writer = csv.DictWriter(text, names, delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_jsonl(rows: Sequence[Row]) -> bytes:
    """Write rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet(rows: Sequence[Row], **types: pa.DataType) -> bytes:
    """Write rows as Parquet, with other types for some columns."""
    arrays = {name: pa.array([row[name] for row in rows], types.get(name)) for name in rows[0]}
    table = pa.table(arrays)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def as_spotify(rows: Sequence[Row]) -> bytes:
    """Write rows as an extended streaming history."""
    entries = [
        {
            **{"ts": row["played_at"], "ms_played": row["played_ms"], "ip_addr": "192.0.2.1"},
            "spotify_track_uri": f"spotify:track:{row['song_id']}",
            "master_metadata_album_artist_name": row["artist"],
        }
        for row in rows
    ]
    return json.dumps(entries, ensure_ascii=False).encode()


WRITERS: dict[Form, Callable[[Sequence[Row]], bytes]] = {
    "csv": as_csv,
    "jsonl": as_jsonl,
    "parquet": as_parquet,
    "json_arrays": as_spotify,
}
ARTIST = {
    form: "master_metadata_album_artist_name" if form == "json_arrays" else "artist" for form in WRITERS
}
TEXT_FORMS: tuple[Form, ...] = ("csv", "jsonl", "json_arrays")


@dataclass(frozen=True)
class Case:
    """A file, how it is called, and what has to become of it.

    ``rows`` are good, ``bad`` are in quarantine; ``error`` are words of the line that refuses the file.
    """

    form: Form
    content: bytes
    rows: int = 0
    bad: int = 0
    error: str = ""
    name: str = "a"
    settings: dict[str, object] = field(default_factory=dict)
    values: Mapping[str, Sequence[object]] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


def with_artist(form: Form, artist: str) -> bytes:
    """Return a file of three plays, the second of a certain artist."""
    return WRITERS[form]([PLAYS[0], {**PLAYS[1], "artist": artist}, PLAYS[2]])


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


def _same_values() -> dict[str, Case]:
    return {
        f"{form}: a value with {what}": Case(
            form, with_artist(form, text), rows=3, values={ARTIST[form]: ["Artist 0", text, "Artist 2"]}
        )
        for form in WRITERS
        for what, text in VALUES.items()
    }


def _compressed() -> dict[str, Case]:
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
        cases[f"{form}: no gz at all"] = Case(form, content, error="cut or damaged", name="a.gz")
    return cases


def _encodings() -> dict[str, Case]:
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
        cases[f"{form}: a mark of UTF-8"] = Case(form, b"\xef\xbb\xbf" + content, rows=3, values=right)
        cases[f"{form}: no such encoding"] = Case(
            form, content, error="names no encoding", settings={"encoding": "utf-99"}
        )
        cases[f"{form}: nothing"] = Case(form, b"")
        cases[f"{form}: blank lines"] = Case(form, b"\n\r\n \n")
    return cases


LINES = as_csv(PLAYS, end="\n").decode().splitlines()
HEADER, FIRST = LINES[0], LINES[1]
OBJECTS = as_jsonl(PLAYS).decode().splitlines()
ENTRIES = as_spotify(PLAYS).decode()

CSV: dict[str, Case] = {
    "csv: blank first lines": Case("csv", "\n\n".join(["", *LINES]).encode(), rows=3),
    "csv: line ends of DOS": Case("csv", as_csv(PLAYS), rows=3),
    "csv: line ends of old Macs": Case("csv", as_csv(PLAYS, end="\r"), rows=3),
    "csv: no last line end": Case("csv", "\n".join(LINES).encode(), rows=3),
    "csv: a column twice": Case(
        "csv", f"{HEADER},artist\n{FIRST},B\n".encode(), error="column 'artist' stands 2"
    ),
    "csv: a column twice that nobody reads": Case("csv", f"{HEADER},x,x\n{FIRST},1,2\n".encode(), rows=1),
    "csv: names that differ in case": Case(
        "csv", f"{HEADER},Artist\n{FIRST},B\n".encode(), rows=1, values={"artist": ["Artist 0"]}
    ),
    "csv: a backtick in the header": Case("csv", f"{HEADER},`x`\n{FIRST},B\n".encode(), rows=1),
    "csv: blanks around names": Case("csv", f"{HEADER.replace(',', ' , ')}\n{FIRST}\n".encode(), rows=1),
    "csv: semicolons": Case(
        "csv", as_csv(PLAYS, ";"), error="seems to be a semicolon (set feed.delimiter = ';')"
    ),
    "csv: tabs": Case("csv", as_csv(PLAYS, "\t"), error="seems to be a tab"),
    "csv: tabs by setting": Case("csv", as_csv(PLAYS, "\t"), rows=3, settings={"delimiter": "\t"}),
    "csv: a column missing": Case(
        "csv", b"user_id,song_id\nu,s\n", error="no column played_at, feedback in the"
    ),
    "csv: too few and too many values": Case(
        "csv",
        f"{HEADER}\na,b\n{FIRST},more\n{FIRST}\n".encode(),
        rows=1,
        bad=2,
        kinds=("the row cannot be split into columns",) * 2,
    ),
    "csv: a quote that never ends": Case(
        "csv", f'{HEADER}\n{FIRST}\n"e9,u\n{FIRST}\n'.encode(), rows=1, bad=1
    ),
    "csv: ids as floats": Case(
        "csv",
        f"{HEADER}\n1.0,12345678.0,1.2345678e+07,t,1,f,2.50\n".encode(),
        rows=1,
        values={"event_id": ["1"], "user_id": ["12345678"], "song_id": ["12345678"], "artist": ["2.50"]},
    ),
    "csv: ids that are no floats": Case(
        "csv",
        f"{HEADER}\n1.5,v1.0,12e4,t,1,f,\n".encode(),
        rows=1,
        values={"event_id": ["1.5"], "user_id": ["v1.0"], "song_id": ["12e4"]},
    ),
    "csv: an id that is no longer exact": Case(
        "csv",
        f"{HEADER}\ne,9007199254740994.0,s,t,1,f,\n".encode(),
        bad=1,
        kinds=("an id is a number above 2^53, which is no longer exact",),
    ),
    "csv: a large id": Case(
        "csv",
        f"{HEADER}\ne,9007199254740993,s,t,1,f,\n".encode(),
        rows=1,
        values={"user_id": ["9007199254740993"]},
    ),
    "csv: a long field": Case("csv", f"{HEADER}\n{FIRST}{'x' * 300_000}\n".encode(), rows=1),
}

JSONL: dict[str, Case] = {
    "jsonl: two objects on a line": Case("jsonl", " ".join(OBJECTS).encode(), rows=3),
    "jsonl: objects without anything between": Case("jsonl", "".join(OBJECTS).encode(), rows=3),
    "jsonl: text after the object": Case(
        "jsonl", f"{OBJECTS[0]} <eof>\n{OBJECTS[1]}\n".encode(), rows=1, bad=1
    ),
    "jsonl: an object and half of one": Case("jsonl", f"{OBJECTS[0]} {OBJECTS[1][:30]}\n".encode(), bad=1),
    "jsonl: arrays, texts and numbers": Case(
        "jsonl", b'[1]\n"text"\nnull\n7\n[{"user_id": 1}]\n', bad=5, kinds=("the line is no JSON object",) * 5
    ),
    "jsonl: an object that is cut": Case("jsonl", OBJECTS[0][:40].encode(), bad=1),
    "jsonl: line ends of old Macs": Case("jsonl", "\r".join(OBJECTS).encode(), rows=3),
    "jsonl: large ids": Case(
        "jsonl",
        b'{"user_id": 9007199254740993, "song_id": 123456789012345678901234, "event_id": -1}\n',
        rows=1,
        values={
            "user_id": ["9007199254740993"],
            "song_id": ["123456789012345678901234"],
            "event_id": ["-1"],
        },
    ),
    "jsonl: ids as floats": Case(
        "jsonl",
        b'{"user_id": 7.0, "song_id": 1.2345678e7, "event_id": 7.5, "artist": 5.0, "played_ms": 3e4}\n',
        rows=1,
        values={
            "user_id": ["7"],
            "song_id": ["12345678"],
            "event_id": ["7.5"],
            "artist": ["5"],
            "played_ms": ["30000.0"],
        },
    ),
    "jsonl: an id that is no longer exact": Case("jsonl", b'{"user_id": 9007199254740993.0}\n', bad=1),
    "jsonl: a text that looks like a float": Case(
        "jsonl", b'{"user_id": "7.0"}\n', rows=1, values={"user_id": ["7.0"]}
    ),
    "jsonl: NaN": Case(
        "jsonl", b'{"user_id": "u", "played_ms": NaN}\n', rows=1, values={"played_ms": ["nan"]}
    ),
    "jsonl: half a character": Case("jsonl", b'{"user_id": "\\ud800"}\n{"user_id": "\\ud801"}\n', bad=2),
    "jsonl: a name twice": Case(
        "jsonl", b'{"user_id": "a", "user_id": "b"}\n', rows=1, values={"user_id": ["b"]}
    ),
    "jsonl: values of any kind": Case(
        "jsonl",
        b'{"user_id": true, "song_id": {"a": [1]}, "artist": false}\n',
        rows=1,
        values={"user_id": ["true"], "song_id": ['{"a":[1]}'], "artist": ["false"], "feedback": [None]},
    ),
    "jsonl: endless brackets": Case("jsonl", b"[" * 100_000, bad=1),
}

SPOTIFY_CASES: dict[str, Case] = {
    "json_arrays: a comma at the end": Case("json_arrays", (ENTRIES[:-1] + ",]").encode(), rows=3),
    "json_arrays: a cut end": Case("json_arrays", ENTRIES[:-30].encode(), rows=2, bad=1),
    "json_arrays: a cut between entries": Case("json_arrays", ENTRIES[:-1].encode(), rows=3),
    "json_arrays: two arrays": Case("json_arrays", (ENTRIES + "\n" + ENTRIES).encode(), rows=6),
    "json_arrays: damage in the middle": Case(
        "json_arrays", ENTRIES.replace('"ts"', "ts", 1).encode(), rows=2, bad=1
    ),
    "json_arrays: text after the array": Case("json_arrays", (ENTRIES + "<eof>").encode(), rows=3, bad=1),
    "json_arrays: no array": Case("json_arrays", b'{"ts": 1}', bad=1),
    "json_arrays: entries of other kinds": Case("json_arrays", b'["text", 7, null, [1]]', bad=4),
    "json_arrays: an empty array": Case("json_arrays", b" [ ] "),
    "json_arrays: the account data": Case(
        "json_arrays",
        b'[{"endTime": "2026-03-02 09:01", "artistName": "A"}]',
        error="Extended streaming history",
    ),
}

PARQUET: dict[str, Case] = {
    "parquet: nothing": Case("parquet", b"", error="no whole Parquet file"),
    "parquet: text": Case("parquet", b"user_id,song_id\n" * 20, error="no whole Parquet file"),
    "parquet: cut": Case("parquet", as_parquet(PLAYS)[:-20], error="no whole Parquet file"),
    "parquet: damaged rows": Case(
        "parquet",
        as_parquet(PLAYS)[:4] + b"\xff" * 200 + as_parquet(PLAYS)[204:],
        error="its rows cannot be read",
    ),
    "parquet: a column missing": Case("parquet", as_parquet([{"user_id": "u"}]), error="no column song_id"),
    "parquet: optional columns missing": Case(
        "parquet",
        as_parquet(
            [{name: row[name] for name in COLUMNS if name not in ("event_id", "played_ms")} for row in PLAYS]
        ),
        rows=3,
        values={"event_id": [None] * 3},
    ),
    **{
        f"parquet: played_ms as {kind}": Case(
            "parquet", as_parquet(PLAYS, played_ms=kind), rows=3, values={"played_ms": ["30000"] * 3}
        )
        for kind in (pa.int16(), pa.int32(), pa.uint64(), pa.float32(), pa.float64())
    },
    "parquet: a column of nothing": Case(
        "parquet",
        as_parquet([{**row, "played_ms": None} for row in PLAYS], played_ms=pa.null()),
        rows=3,
        values={"played_ms": [None] * 3},
    ),
    "parquet: ids as floats": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": 7.0}, {**PLAYS[1], "user_id": 12345678.0}]),
        rows=2,
        values={"user_id": ["7", "12345678"]},
    ),
    "parquet: ids as floats, one missing": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": 7.0}, {**PLAYS[1], "user_id": float("nan")}]),
        rows=2,
        values={"user_id": ["7", None]},
    ),
    "parquet: ids that are no longer exact": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": 2.0**53 + 2}, {**PLAYS[1], "user_id": 7.0}]),
        rows=1,
        bad=1,
        values={"user_id": ["7"]},
    ),
    "parquet: ids as uint64": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": 2**64 - 1}], user_id=pa.uint64()),
        rows=1,
        values={"user_id": [str(2**64 - 1)]},
    ),
    "parquet: ids in a dictionary": Case(
        "parquet",
        as_parquet(PLAYS, user_id=pa.dictionary(pa.int32(), pa.string())),
        rows=3,
        values={"user_id": ["u0", "u1", "u0"]},
    ),
    "parquet: bytes": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": b"Jo\xe3o"}, {**PLAYS[1], "user_id": b"u1"}]),
        rows=1,
        bad=1,
        values={"user_id": ["u1"]},
        kinds=("the text is not UTF-8",),
    ),
    "parquet: a list": Case(
        "parquet", as_parquet([{**PLAYS[0], "artist": ["A"]}]), error="column 'artist' is of type list"
    ),
    "parquet: a clock": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "played_at": 1}], played_at=pa.time64("us")),
        error="'played_at' is of type time",
    ),
    "parquet: a clock that nobody reads": Case(
        "parquet", as_parquet([{**PLAYS[0], "x": 1, "y": 1}], x=pa.time32("s"), y=pa.timestamp("ns")), rows=1
    ),
}

CASES: dict[str, Case] = {
    **_same_values(),
    **_compressed(),
    **_encodings(),
    **CSV,
    **JSONL,
    **SPOTIFY_CASES,
    **PARQUET,
}
