"""Small files in the form of each public dataset, with its quirks, and how they are read and parsed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Row, SparkSession

from tests.builders import DAY
from uae_model.config import Config, load_config
from uae_model.ingest import parse_rows, read_slot
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.files import Report
from uae_model.ingest.parse import needed_columns
from uae_model.ingest.reports import check_reports

KEY = b"a key of sixteen"


def dataset_config(folder: Path, profile: str, *overrides: str) -> Config:
    """Return the profile's configuration with all its paths under ``folder``."""
    (folder / "uae.toml").touch()
    return load_config(folder / "uae.toml", profile=profile, overrides=overrides)


def parse_dataset(
    spark: SparkSession, config: Config, slot: Slot | None = None, *, accept_empty: bool = True
) -> list[Row]:
    """Return all rows of a slot, else of a static dataset, as ingest sees them, good and bad.

    What the readers of its files report is checked as ingest does.
    """
    wanted = slot or Feed(spark, config).slots(DAY)[0]
    parsed = parse_rows(read_slot(spark, wanted, config), config, wanted.day, KEY)
    rows: list[Row] = parsed.collect()
    reports = [Report.of_text(row["report"]) for row in rows if row["report"]]
    told = check_reports(wanted.name, reports, needed_columns(config), accept_empty=accept_empty)
    found = [row for row in rows if row["report"] is None]
    assert {row["reason"] for row in rows if row["report"]} == {None}  # else it would go to quarantine
    assert config.feed.format == "30music" or len(found) == told
    return found


def write_lines(file: Path, lines: Iterable[str]) -> None:
    """Write lines into a file, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))


def lastfm_line(
    user: str, when: str, track: str, *, artist_id: str = "a-1", artist: str = "Band", track_id: str = ""
) -> str:
    """Return a play of Last.fm-1K; most of its tracks have no id."""
    return "\t".join([user, when, artist_id, artist, track_id, track])


LASTFM = [  # newest first, as published
    lastfm_line("user_000001", "2009-05-04T23:08:57Z", "Fuck Me Im Famous", artist_id="", artist="Deep Dish"),
    lastfm_line("user_000001", "2009-05-04T13:54:10Z", 'The "B" Side', track_id="t-2"),
    lastfm_line("user_000001", "2009-05-04T13:52:04Z", "Composition 7", artist="坂本龍一"),
    lastfm_line("user_000001", "2009-05-04T13:52:04Z", "Composition 7", artist="坂本龍一"),  # twice
    lastfm_line("user_000002", "2009-05-04T00:25:00Z", "Song"),
    lastfm_line("user_000002", "2009-05-04T00:10:00Z", "Song"),
    lastfm_line("user_000002", "2009-05-04", ""),
    lastfm_line("user_000002", "yesterday", "Song"),
    "user_000002\t2009-05-04T00:10:00Z\ta-1",
]


def write_lastfm(folder: Path) -> None:
    """Write Last.fm-1K as the profile looks for it."""
    write_lines(folder / "lastfm-dataset-1K" / "userid-timestamp-artid-artname-traid-traname.tsv", LASTFM)


DEEZER_HEADER = (
    "genre_id,ts_listen,media_id,album_id,context_type,release_date,platform_name,platform_family,"
    "media_duration,listen_type,user_gender,user_id,artist_id,user_age,is_listened"
)


def deezer_line(user: int, when: int, media: int, *, listened: object = 1, **fields: object) -> str:
    """Return a play of DSG17, ``when`` seconds after the first of November 2016."""
    row = {
        **{"genre_id": 25471, "ts_listen": 1_477_958_400 + when, "media_id": media, "album_id": 41774},
        **{"context_type": 12, "release_date": 20040704, "platform_name": 1, "platform_family": 0},
        **{"media_duration": 223, "listen_type": 0, "user_gender": 0, "user_id": user, "artist_id": 55164},
        **{"user_age": 29, "is_listened": listened, **fields},
    }
    return ",".join(str(row[name]) for name in DEEZER_HEADER.split(","))


DEEZER = [
    deezer_line(9241, 600, 222606, listened=0),
    deezer_line(9241, 660, 250467, context_type=1, listen_type=1),
    deezer_line(9241, 660, 250467, context_type=1, listen_type=1),  # twice
    deezer_line(9241, 0, 305197, user_age=""),
    deezer_line(16547, 40_000, 305197),
    deezer_line(16547, 40_100, 305197, listened=""),
    deezer_line(16547, 40_200, 305197, user_age="young"),
    "25471,1477958400",
]


def write_deezer(folder: Path) -> None:
    """Write the file of DSG17 that says what was listened to."""
    write_lines(folder / "deezer" / "train.csv", [DEEZER_HEADER, *DEEZER])


def spotify_play(ended: str, track: str | None, **fields: object) -> dict[str, object]:
    """Return an entry of an extended streaming history: three minutes that ended by themselves."""
    return {
        **{"ts": ended, "platform": "Android OS 4.2.2 API 17 (samsung, GT-I9195)", "ms_played": 180_000},
        **{"conn_country": "GB", "ip_addr": "192.0.2.131", "master_metadata_track_name": track},
        **{"master_metadata_album_artist_name": "Band", "master_metadata_album_album_name": "Album"},
        "spotify_track_uri": track and f"spotify:track:{track}",
        **{"episode_name": None, "episode_show_name": None, "spotify_episode_uri": None},
        **{"reason_start": "trackdone", "reason_end": "trackdone", "shuffle": False, "skipped": None},
        **{"offline": False, "offline_timestamp": None, "incognito_mode": False, **fields},
    }


SPOTIFY: list[object] = [
    spotify_play("2026-01-05T10:03:00Z", "a"),
    spotify_play("2026-01-05T10:03:20Z", "b", ms_played=20_000, reason_end="fwdbtn", skipped=True),
    spotify_play("2026-01-05T10:03:20Z", "b", ms_played=20_000, reason_end="fwdbtn", skipped=True),  # twice
    spotify_play("2026-01-05T10:06:20Z", "c", reason_end="", shuffle=True),
    spotify_play("2026-01-05T11:00:00Z", None, spotify_episode_uri="spotify:episode:e"),
    spotify_play("2026-01-05T11:10:00Z", "d", reason_end="applause"),
    "not an entry",
]


def write_spotify(folder: Path) -> None:
    """Write the histories of two listeners, one of an old export with a name; and what lies beside them."""
    named = spotify_play("2026-01-05T10:03:00Z", "a", username="ann", ip_addr_decrypted="192.0.2.7")
    files = {
        "listener one/Streaming_History_Audio_2026_0.json": json.dumps(SPOTIFY, indent=2),
        "listener two/endsong_0.json": json.dumps([named]),
        "listener two/endsong_1.json": "[]",
        "listener two/endsong_2.json": '[{"ts": "2026-01-05T10:03:00Z", "ip_addr": "192.0.2.8"',  # cut off
        "listener two/ReadMeFirst.pdf": "%PDF",
    }
    for name, text in files.items():
        write_lines(folder / "spotify" / name, [text])


def yambda_event(
    user: int | None, when: int, item: int, event: str, *, ratio: int = 100
) -> dict[str, object]:
    """Return an event of Yambda's multi_event file; songs last 200 seconds."""
    is_listen = event == "listen"
    return {
        **{"uid": user, "timestamp": when, "item_id": item, "is_organic": 0 if is_listen else 1},
        **{"event_type": event, "played_ratio_pct": ratio if is_listen else None},
        "track_length_seconds": 200 if is_listen else None,
    }


YAMBDA = {
    "played in full": yambda_event(100, 86_400, 1, "listen"),
    "its like": yambda_event(100, 86_500, 1, "like"),
    "the same row": yambda_event(100, 86_500, 1, "like"),
    "left early": yambda_event(100, 86_600, 2, "listen", ratio=49),
    "half": yambda_event(100, 86_700, 3, "listen", ratio=50),
    "half, once more": yambda_event(100, 86_700, 3, "listen", ratio=50),
    "played again from the middle": yambda_event(100, 86_800, 4, "listen", ratio=150),
    "liked at its end": yambda_event(100, 87_100, 4, "like"),
    "taken back": yambda_event(100, 87_700, 4, "unlike"),  # 600 seconds after the end
    "too late": yambda_event(100, 87_505, 2, "dislike"),  # the end was at 86,698
    "never played": yambda_event(100, 86_450, 9, "like"),
    "another user": yambda_event(200, 86_450, 1, "like"),
    "before the song": yambda_event(200, 90_000, 5, "dislike"),
    "after the like": yambda_event(200, 90_005, 5, "listen"),
    "nobody": yambda_event(None, 90_000, 6, "listen"),
    "unknown event": yambda_event(200, 90_000, 6, "hum"),
}


def write_parquet(file: Path, rows: Iterable[dict[str, object]], types: dict[str, pa.DataType]) -> None:
    """Write rows with the types of the published file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema(list(types.items()))
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), file)


YAMBDA_TYPES = {
    **{"uid": pa.uint32(), "timestamp": pa.uint32(), "item_id": pa.uint32(), "is_organic": pa.uint8()},
    **{"played_ratio_pct": pa.uint16(), "track_length_seconds": pa.uint32()},
}


def write_yambda(folder: Path) -> None:
    """Write the file of all events."""
    types = {**YAMBDA_TYPES, "event_type": pa.dictionary(pa.int32(), pa.string())}
    write_parquet(folder / "yambda" / "flat" / "50m" / "multi_event.parquet", YAMBDA.values(), types)


def write_yambda_apart(folder: Path) -> None:
    """Write the same events, but for the unknown one, as a file for each type."""
    for file, event in {
        "listens": "listen",
        "likes": "like",
        "dislikes": "dislike",
        "unlikes": "unlike",
    }.items():
        last = len(YAMBDA_TYPES) if event == "listen" else 4
        types = dict(list(YAMBDA_TYPES.items())[:last])
        rows = [{name: row[name] for name in types} for row in YAMBDA.values() if row["event_type"] == event]
        write_parquet(folder / "yambda" / "flat" / "50m" / f"{file}.parquet", rows, types)


def thirty_music_session(number: int, user: int, started: int, *plays: str) -> str:
    """Return a session of 30-Music: a space stands between the two objects."""
    head = f"event.session\t{number}\t{started}\t"
    properties = f'{{"numtracks":{len(plays)},"playtime":0}}'
    subjects = f'[{{"type":"user","id":{user}}}]'
    return f'{head}{properties} {{"subjects":{subjects},"objects":[{",".join(plays)}]}}'


def thirty_music_play(
    track: int, start: int | None, seconds: int | None, ratio: float | None, **fields: object
) -> str:
    """Return a play as it stands in its session, ``start`` seconds after the session's time."""
    play = {"type": "track", "id": track, "playstart": start, "playtime": seconds, "playratio": ratio}
    return json.dumps({**play, "action": "play", **fields}, separators=(",", ":"))


def thirty_music_love(number: int, user: int, track: int) -> str:
    """Return a love of 30-Music: spaces stand before both objects, and -1 for the time."""
    relations = f'{{"subjects":[{{"type":"user","id":{user}}}], "objects":[{{"type":"track","id":{track}}}]}}'
    return f'preference\t{number}\t-1 {{"value":"love"}} {relations}'


def thirty_music_track(number: int, duration: int, artist: int, *, tags: str = "[]") -> str:
    """Return a track of 30-Music; the name has an object's end and start in it, as a name may."""
    properties = f'{{"duration":{duration},"playcount":4,"MBID":null,"name":"a+track+%7D}} {{"}}'
    relations = f'{{"artists":[{{"type":"person","id":{artist}}}],"albums":[],"tags":{tags}}}'
    return f"track\t{number}\t-1\t{properties}\t{relations}"


THIRTY_MUSIC_PLAYS = {
    "played in full": thirty_music_play(11, 0, 200, 1.0),
    "without a ratio": thirty_music_play(12, 200, 100, None),
    "left early": thirty_music_play(13, 300, 80, 0.4),
    "loved": thirty_music_play(14, 380, 100, 1.2),
    "loved but left": thirty_music_play(14, 480, 10, 0.1),
    "skipped by name": thirty_music_play(15, 490, None, None, action="skip"),
    "of unknown length": thirty_music_play(16, 490, -1, None),
    "without a start": thirty_music_play(17, None, 1, None),
    "without a track": '{"type":"track","playstart":600,"playtime":1,"playratio":1.0,"action":"play"}',
}
THIRTY_MUSIC = {
    "relations/sessions.idomaar": [
        thirty_music_session(1, 7, 1_390_231_051, *THIRTY_MUSIC_PLAYS.values()),
        thirty_music_session(2, 8, 1_390_231_051, THIRTY_MUSIC_PLAYS["loved"]),
        thirty_music_session(2, 8, 1_390_231_051, THIRTY_MUSIC_PLAYS["loved"]),  # twice
        thirty_music_session(3, 8, 1_390_240_000),
        'event.session\t4\t1390231051\t{"numtracks":1',
    ],
    "relations/love.idomaar": [
        thirty_music_love(1, 7, 14),
        thirty_music_love(2, 7, 14),  # twice
        thirty_music_love(3, 7, 99),
        "preference\t4\t-1",
    ],
    "entities/tracks.idomaar": [
        thirty_music_track(11, 200_000, 21, tags='[{"type":"tag","id":31},{"type":"tag","id":32}]'),
        thirty_music_track(11, 200_000, 21, tags='[{"type":"tag","id":31},{"type":"tag","id":32}]'),  # twice
        thirty_music_track(12, -1, 22),
        "track\tbroken",
    ],
}


def write_thirty_music(folder: Path) -> None:
    """Write the three files of 30-Music that are read."""
    for name, lines in THIRTY_MUSIC.items():
        write_lines(folder / "30music" / name, lines)
