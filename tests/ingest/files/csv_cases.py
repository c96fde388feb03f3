"""CSV as programs and people write it."""

from __future__ import annotations

import csv

from tests.ingest.files.cases import Case
from tests.ingest.files.writers import PLAYS, as_csv

LINES = as_csv(PLAYS, end="\n").decode().splitlines()
HEADER, FIRST = LINES[0], LINES[1]
ODD_VALUES = {
    "artist": ['Live "at" Home', "One, Two; Three\tFour|", "back\\", "it's", "two\nlines", "\\N", ""]
}
ODD = [{**PLAYS[0], "artist": artist} for artist in ODD_VALUES["artist"]]

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
    "csv: text after a quote": Case(
        "csv",
        f'{HEADER}\ne8,u,s,t,1,f,"a\\"b, c"\n{FIRST}\n'.encode(),
        rows=1,
        bad=1,
        kinds=("a quote is not closed, or text stands after one",),
    ),
    "csv: a quote in the last column that never ends": Case(
        "csv",
        f'{HEADER}\n{FIRST}\ne9,u,s,t,1,f,"{FIRST}\n{FIRST}\n'.encode(),
        rows=1,
        bad=1,
        kinds=("a quote is not closed, or text stands after one",),
    ),
    "csv: a quote amid a value": Case(
        "csv", f'{HEADER}\ne8,u,s,t,1,f,7" single\n'.encode(), rows=1, values={"artist": ['7" single']}
    ),
    "csv: a header whose quote never ends": Case("csv", f'"{HEADER}\n{FIRST}\n'.encode(), error="its header"),
    "csv: backslashes by setting": Case(
        "csv",
        as_csv(ODD, escapechar="\\", doublequote=False),
        rows=len(ODD),
        settings={"escape": "\\"},
        values=ODD_VALUES,
    ),
    "csv: no quotes but backslashes": Case(
        "csv",
        as_csv(ODD, escapechar="\\", quoting=csv.QUOTE_NONE),
        rows=len(ODD),
        settings={"escape": "\\"},
        values=ODD_VALUES,
    ),
    "csv: single quotes by setting": Case(
        "csv", as_csv(ODD, quotechar="'"), rows=len(ODD), settings={"quote": "'"}, values=ODD_VALUES
    ),
    **{
        f"csv: everything quoted, {len(end)} signs at the end, {name}": Case(
            "csv",
            as_csv(ODD, delimiter, end, quoting=csv.QUOTE_ALL),
            rows=len(ODD),
            settings={"delimiter": delimiter},
            values=ODD_VALUES,
        )
        for delimiter, name in {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}.items()
        for end in ("\n", "\r\n")
    },
    "csv: Excel's line about the delimiter": Case(
        "csv", f"sep=;\n{HEADER}\n".replace(",", ";").encode(), error="seems to be a semicolon"
    ),
    "csv: two files, one behind the other": Case(
        "csv",
        (as_csv(PLAYS) * 2),
        rows=7,
        values={"user_id": ["u0", "u1", "u0", "user_id", "u0", "u1", "u0"]},  # whose time cannot be read
    ),
    "csv: ids as Java and R write them": Case(
        "csv",
        f"{HEADER}\n1.2345678E7,1e+05,3e+00,t,1,f,\n".encode(),
        rows=1,
        values={"event_id": ["12345678"], "user_id": ["100000"], "song_id": ["3"]},
    ),
    "csv: ids that floating-point numbers have merged": Case(
        "csv",
        f"{HEADER}\ne,1e+16,s,t,1,f,\ne,s,1.0E16,t,1,f,\ne,1.0e+999999999,s,t,1,f,\n".encode(),
        bad=3,
        kinds=("an id is a number above 2^53, which is no longer exact",) * 3,
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
