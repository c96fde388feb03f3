"""JSON lines, and Spotify's arrays, as programs and people write them."""

from __future__ import annotations

import json

from tests.ingest.files.cases import Case
from tests.ingest.files.writers import PLAYS, as_jsonl, as_spotify

OBJECTS = as_jsonl(PLAYS).decode().splitlines()
ENTRIES = as_spotify(PLAYS).decode()

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
    "jsonl: blanks wherever JSON allows them": Case(
        "jsonl",
        "\n".join(" \t" + json.dumps(row, separators=(" ,\t", " :  ")) + " \t\r" for row in PLAYS).encode(),
        rows=3,
        values={"user_id": ["u0", "u1", "u0"]},
    ),
    "jsonl: everything escaped": Case(
        "jsonl",
        b'{"user_id": "\\u0075\\u0030", "artist": "Zo\\u00e9 \\ud83c\\udfb5"}\n',
        rows=1,
        values={"user_id": ["u0"], "artist": ["Zoé 🎵"]},
    ),
    "jsonl: one object over many lines": Case("jsonl", json.dumps(PLAYS[0], indent=1).encode(), bad=9),
    "jsonl: one array": Case("jsonl", json.dumps(PLAYS).encode(), bad=1),
    "jsonl: a comma after each object": Case("jsonl", ",\n".join(OBJECTS).encode(), rows=1, bad=2),
    "jsonl: zeros where a disk was full": Case(
        "jsonl", f"{OBJECTS[0]}\n".encode() + b"\0" * 64, rows=1, bad=1
    ),
    "jsonl: ids that are no numbers": Case(
        "jsonl",
        b'{"user_id": Infinity, "song_id": NaN, "event_id": -Infinity}\n',
        rows=1,
        values={"user_id": [None], "song_id": [None], "event_id": [None]},
    ),
    "jsonl: ids beyond all bounds": Case("jsonl", b'{"user_id": 1e400}\n{"user_id": 1e999999999}\n', bad=2),
    "jsonl: the same number written in other ways": Case(
        "jsonl",
        b'{"user_id": 7}\n{"user_id": 7e0}\n{"user_id": 70e-1}\n{"user_id": 0.7E+1}\n{"user_id": -0.0}\n',
        rows=5,
        values={"user_id": ["7", "7", "7", "7", "0"]},
    ),
    "jsonl: large labels stay apart": Case(
        "jsonl",
        b'{"artist": 123456789012345678901234}\n{"artist": 123456789012345678901235}\n',
        rows=2,
        values={"artist": ["123456789012345678901234", "123456789012345678901235"]},
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
    "jsonl: large numbers within objects stay apart": Case(
        "jsonl",
        b'{"user_id": {"id": 1180591620717411303425}}\n{"user_id": [1180591620717411303426, 1.5]}\n',
        rows=2,
        values={"user_id": ['{"id":1180591620717411303425}', "[1180591620717411303426,1.5]"]},
    ),
    "jsonl: an object beside a damaged line is the same text": Case(
        "jsonl",
        b'{"user_id": {"a": [1.5, 2]}}\n{"user_id"\n',
        rows=1,
        bad=1,
        values={"user_id": ['{"a":[1.5,2]}']},
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
    "json_arrays: an object a line": Case("json_arrays", as_jsonl(json.loads(ENTRIES)), rows=3),
    "json_arrays: an object a line, one cut": Case(
        "json_arrays",
        as_jsonl(json.loads(ENTRIES)[:1]) + b'{"ts": "2026\n' + as_jsonl(json.loads(ENTRIES)[:2]),
        rows=3,
        bad=1,
    ),
    "json_arrays: an array within an object": Case(
        "json_arrays", f'{{"items": {ENTRIES}}}'.encode(), rows=3, bad=2
    ),
    "json_arrays: a text alone": Case("json_arrays", b'"ts"', bad=1),
    "json_arrays: entries of other kinds": Case("json_arrays", b'["text", 7, null, [1]]', bad=4),
    "json_arrays: an empty array": Case("json_arrays", b" [ ] "),
    "json_arrays: the account data": Case(
        "json_arrays",
        b'[{"endTime": "2026-03-02 09:01", "artistName": "A"}]',
        error="Extended streaming history",
    ),
}
