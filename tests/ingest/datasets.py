"""Small files in the form of each public dataset, with its quirks, and how they are read and parsed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

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
