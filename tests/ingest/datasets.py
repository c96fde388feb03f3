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
from uae_model.feed import Feed
from uae_model.ingest import parse_rows, read_slot

KEY = b"a key of sixteen"


def dataset_config(folder: Path, profile: str, *overrides: str) -> Config:
    """Return the profile's configuration with all its paths under ``folder``."""
    (folder / "uae.toml").touch()
    return load_config(folder / "uae.toml", profile=profile, overrides=overrides)


def parse_dataset(spark: SparkSession, config: Config) -> list[Row]:
    """Return all rows of a static dataset as ingest sees them, good and bad."""
    (slot,) = Feed(spark, config).slots(DAY)
    assert slot.day is None
    return parse_rows(read_slot(spark, slot, config), config, slot.day, KEY).collect()


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
    lastfm_line("user_000002", "2009-05-04T00:10:00Z", "Song"),
    lastfm_line("user_000002", "2009-05-03T23:55:00Z", "Song"),
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
