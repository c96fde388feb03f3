"""Seeded synthetic events as Parquet, the input that both peers of a benchmark read."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

DAY = date(2026, 1, 5)
PLAYS_PER_USER = 40
USERS_PER_FILE = 25_000
LONG_PAUSE_SHARE = 0.1
"""Share of plays after a pause of more than 30 minutes: sessions hold ten plays on average."""

FEEDBACK = ("auto_play", "skip", "like", "dislike", "share", "download")
FEEDBACK_SHARES = (0.90, 0.05, 0.03, 0.01, 0.005, 0.005)
SONGS = 100_000
DAY_MICROSECONDS = 86_400_000_000


def write_events(folder: Path, users: int, day: date, seed: int, *, returning_users: bool = False) -> int:
    """Write ``users`` x 40 events that start on ``day``, partitioned by UTC date; return their number.

    The columns are those of the ``events`` contract in the default profile. Some users listen past
    midnight, so the folder also holds events of the next day. ``returning_users`` are the same on every day.
    """
    counts = [min(USERS_PER_FILE, users - first) for first in range(0, users, USERS_PER_FILE)]
    write = partial(_write_file, folder, day, seed, returning_users)
    if len(counts) == 1:
        write(0, counts[0])
        return users * PLAYS_PER_USER
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        list(pool.map(write, range(len(counts)), counts))
    return users * PLAYS_PER_USER


def _write_file(folder: Path, day: date, seed: int, returning_users: bool, number: int, users: int) -> None:
    """Write the events of one file's users: the same ones, whichever process does it."""
    rng = np.random.default_rng([seed, day.toordinal(), number])
    user_rng = np.random.default_rng([seed, number]) if returning_users else rng
    pq.write_to_dataset(
        _events(rng, user_rng, users, day),
        folder,
        partition_cols=["dt"],
        basename_template=f"events-{day.isoformat()}-{number:03d}-{{i}}.parquet",
        compression="zstd",
        row_group_size=131_072,
    )


def _events(rng: np.random.Generator, user_rng: np.random.Generator, users: int, day: date) -> pa.Table:
    rows = users * PLAYS_PER_USER
    played_ms = rng.integers(30_000, 300_000, (users, PLAYS_PER_USER))
    started = _start_times(rng, played_ms, day)
    # Rows arrive by time, as in a feed, not user by user.
    order = np.argsort(started.ravel(), kind="stable")
    song = np.minimum(rng.zipf(1.3, rows) - 1, SONGS - 1)
    popularity, affinity = rng.random(SONGS), rng.normal(size=rows)
    user_ids = _hex_ids(user_rng, users, 64)
    return pa.table(
        {
            "event_id": _hex_ids(rng, rows, 32),
            "user_id": user_ids.take(pa.array(order // PLAYS_PER_USER)),
            "song_id": _names("song", song),
            "played_at": pa.array(started.ravel()[order], pa.timestamp("us", tz="UTC")),
            "played_ms": pa.array(played_ms.ravel()[order], pa.int64()),
            "feedback": _choices(rng, rows, FEEDBACK, FEEDBACK_SHARES),
            "device": _choices(rng, rows, ("phone", "car", "speaker", "desktop")),
            "play_source": _choices(rng, rows, ("radio", "playlist", "album", "search", "daily")),
            "artist": _names("artist", song // 10),
            "genre": _names("genre", song // 10 % 32),
            "song_popularity": popularity[song],
            "genre_affinity": affinity,
            "dt": pa.array((started.ravel()[order] // DAY_MICROSECONDS).astype(np.int32), pa.date32()),
        }
    )


def _start_times(rng: np.random.Generator, played_ms: NDArray[np.int64], day: date) -> NDArray[np.int64]:
    """Return start times (users, plays) in microseconds: a play starts a pause after the last one's end."""
    shape = played_ms.shape
    minute = 60_000_000
    short = rng.exponential(10_000_000, shape)
    long = 31 * minute + rng.exponential(60 * minute, shape)
    pause = np.where(rng.random(shape) < LONG_PAUSE_SHARE, long, short).astype(np.int64)
    steps = pause[:, 1:] + played_ms[:, :-1] * 1000
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
    first = midnight + rng.integers(0, 18 * 60 * minute, (shape[0], 1))
    return np.concatenate([first, first + np.cumsum(steps, axis=1)], axis=1)


def _hex_ids(rng: np.random.Generator, count: int, digits: int) -> pa.StringArray:
    text = rng.bytes(count * digits // 2).hex().encode()
    offsets = np.arange(0, (count + 1) * digits, digits, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))


def _names(prefix: str, numbers: NDArray[np.int64]) -> pa.Array:
    distinct, index = np.unique(numbers, return_inverse=True)
    return pa.array([f"{prefix}-{number}" for number in distinct]).take(pa.array(index))


def _choices(
    rng: np.random.Generator, count: int, names: tuple[str, ...], shares: tuple[float, ...] | None = None
) -> pa.Array:
    return pa.array(names).take(pa.array(rng.choice(len(names), count, p=shares)))
