"""Lines of 30-Music as they are published, and damaged."""

from __future__ import annotations

from tests.ingest.datasets import (
    thirty_music_love,
    thirty_music_play,
    thirty_music_session,
    thirty_music_track,
)
from tests.ingest.files.cases import Case
from uae_model.ingest.files.layout import Form

NOT_UTF8 = ("the text is not UTF-8",)
PLAY = thirty_music_play(11, 0, 200, 0.5)
SESSION = thirty_music_session(1, 7, 1_390_231_051, PLAY, PLAY)
LOVE = thirty_music_love(1, 7, 14)
TRACK = thirty_music_track(11, 200_000, 21)
WHOLE: dict[Form, tuple[str, int]] = {
    "30music_sessions": (SESSION, 2),
    "30music_loves": (LOVE, 1),
    "30music_tracks": (TRACK, 1),
}
"""A line of each file, and how many rows it gives."""


def _damaged() -> dict[str, Case]:
    cases = {}
    for form, (line, rows) in WHOLE.items():
        head, _, objects = line.partition("{")
        for what, changed in {
            "whole": line,
            "with a tab between": line.replace("} {", "}\t{"),
            "with a space before": f"{head.rstrip()} {{{objects}",
            "with a line end of DOS": line + "\r",
            "with blanks at the end": line + "  ",
            "with a mark of UTF-8": "\ufeff" + line,
        }.items():
            cases[f"{form}: {what}"] = Case(form, f"{changed}\n".encode(), rows=rows)
        for what, changed in {
            "that is cut": line[:-1],
            "with text after it": line + " <eof>",
            "without its second object": line[: line.rindex(" {")] if " {" in line else head,
            "with a time that is none": line.replace("\t-1", "\tx").replace("\t1390231051", "\tx"),
            "with an object that is no JSON": line.replace('"id"', "id").replace('"artists"', "artists"),
            "of tabs alone": "x" + "\t" * 9,
        }.items():
            cases[f"{form}: a line {what}"] = Case(form, f"{changed}\n{line}\n".encode(), rows=rows, bad=1)
        latin = line.replace('"type"', '"é"').encode("latin-1")
        cases[f"{form}: Latin-1"] = Case(form, latin + b"\n\xe9\n", bad=2, kinds=NOT_UTF8 * 2)
        cases[f"{form}: nothing"] = Case(form, b"")
    return cases


THIRTY_MUSIC: dict[str, Case] = {
    **_damaged(),
    "30music_sessions: plays that are none": Case(
        "30music_sessions",
        SESSION.replace(f"[{PLAY},{PLAY}]", f'[null,5,"a",{PLAY},[]]').encode(),
        rows=1,
        bad=4,
        kinds=("the play is no JSON object",) * 4,
    ),
    "30music_sessions: no plays": Case("30music_sessions", thirty_music_session(1, 7, 1).encode(), bad=1),
    "30music_sessions: nobody": Case(
        "30music_sessions",
        SESSION.replace('"subjects"', '"others"').encode(),
        rows=2,
        values={"user_id": [None] * 2},
    ),
    "30music_sessions: ids as floats": Case(
        "30music_sessions",
        SESSION.replace('"id":11', '"id":11.0').replace('"id":7', '"id":7.0').encode(),
        rows=2,
        values={"user_id": ["7"] * 2, "track_id": ["11"] * 2},
    ),
    "30music_sessions: an id that is no longer exact": Case(
        "30music_sessions", SESSION.replace('"id":11', '"id":9007199254740994.0', 1).encode(), rows=1, bad=1
    ),
    "30music_loves: another feeling": Case("30music_loves", LOVE.replace("love", "hate").encode(), bad=1),
    "30music_loves: nobody": Case("30music_loves", LOVE.replace('"subjects"', '"x"').encode(), bad=1),
    "30music_tracks: a name with anything in it": Case(
        "30music_tracks",
        TRACK.replace("a+track", "} {a\\t[").encode(),
        rows=1,
        values={"track_id": ["11"], "duration": ["200000"], "artist": ["21"], "album": [None]},
    ),
    "30music_tracks: another thing": Case(
        "30music_tracks", TRACK.replace("track\t", "album\t").encode(), bad=1
    ),
}
