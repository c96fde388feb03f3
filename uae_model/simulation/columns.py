"""Feed columns of simulated plays: every feature that the profiles read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from uae_model.core.errors import InputError
from uae_model.simulation import catalog
from uae_model.simulation.hashing import Ints, normal, uniform
from uae_model.simulation.listening import Plays, observed_affinity
from uae_model.simulation.traits import (
    affinity,
    artist_factors,
    artist_of,
    duration_of,
    genre_of,
    popularity_of,
    user_factors,
)
from uae_model.simulation.world import World

VALUES: dict[str, tuple[str, int]] = {
    "app_version": ("user", 12),
    "network_type": ("session", 4),
    "country": ("user", 20),
    "city": ("user", 200),
    "audio_output": ("session", 5),
    "screen_state": ("play", 2),
    "playlist_kind": ("session", 8),
    "entry_point": ("session", 6),
    "user_gender": ("user", 3),
    "user_age_group": ("user", 7),
    "subscription": ("user", 3),
    "album": ("song", 500),
    "language": ("artist", 15),
    "release_decade": ("song", 7),
    "mood": ("song", 10),
    "label_company": ("artist", 40),
    "song_key": ("song", 24),
}
"""Categorical columns that are a trait of one thing: the thing and the number of values."""

NUMBERS: dict[str, str] = {
    "battery_level": "session",
    "volume_level": "session",
    "motion_level": "session",
    "notifications_last_hour": "session",
    "tempo": "song",
    "energy": "song",
    "acousticness": "song",
    "loudness": "song",
    "user_tenure_days": "user",
    "user_plays_30d": "user",
    "album_popularity": "song",
}
"""Numeric columns between 0 and 1000 that are a trait of one thing."""


def feature_columns(names: list[str], world: World, plays: Plays) -> dict[str, pa.Array]:
    """Return the feed's feature columns of the plays.

    Raises:
        InputError: naming a column that the simulator does not know.
    """
    unknown = sorted(set(names) - {*_DERIVED, *VALUES, *NUMBERS})
    if unknown:
        known = ", ".join(sorted([*_DERIVED, *VALUES, *NUMBERS]))
        raise InputError(f"simulation: no feed column is called {', '.join(unknown)}; known: {known}")
    return {name: _column(name, world, plays) for name in names}


def _column(name: str, world: World, plays: Plays) -> pa.Array:
    if name in _DERIVED:
        return pa.array(_DERIVED[name](world, plays))
    if name in VALUES:
        thing, count = VALUES[name]
        number = (uniform(world.seed, name, _ids(thing, world, plays)) ** 1.5 * count).astype(np.int64)
        return _named(name, number)
    return pa.array(1000.0 * uniform(world.seed, name, _ids(NUMBERS[name], world, plays)))


def _ids(thing: str, world: World, plays: Plays) -> Ints:
    if thing == "artist":
        return artist_of(world, plays.song_N)
    if thing == "play":
        numbers = world.numbers_per_session
        return plays.session_N * numbers + np.arange(len(plays.session_N)) % numbers
    return {"user": plays.user_N, "song": plays.song_N, "session": plays.session_N}[thing]


def _named(name: str, number_N: Ints) -> pa.Array:
    distinct, index = np.unique(number_N, return_inverse=True)
    return pa.array([f"{name}-{value}" for value in distinct.tolist()]).take(pa.array(index))


def _of(names: tuple[str, ...], code_N: Ints) -> pa.Array:
    return pa.array(names).take(pa.array(code_N))


def _artist_affinity(world: World, plays: Plays) -> Any:
    artist_N = artist_of(world, plays.song_N)
    direction = artist_factors(world, artist_N, genre_of(world, artist_N))
    true_N = affinity(user_factors(world, plays.user_N), direction)
    return 0.8 * true_N + 0.6 * normal(world.seed, "artist affinity error", plays.user_N, artist_N)


_DERIVED: dict[str, Callable[[World, Plays], Any]] = {
    "device": lambda _, plays: _of(catalog.DEVICES, plays.device_N),
    "play_source": lambda _, plays: _of(catalog.PLAY_SOURCES, plays.source_N),
    "artist": lambda world, plays: _named("artist", artist_of(world, plays.song_N)),
    "genre": lambda world, plays: _of(catalog.GENRES, genre_of(world, artist_of(world, plays.song_N))),
    "song_popularity": lambda world, plays: popularity_of(world, plays.song_N),
    "genre_affinity": lambda world, plays: observed_affinity(world, plays.user_N, plays.song_N),
    "duration_seconds": lambda world, plays: duration_of(world, plays.song_N) / 1000.0,
    "artist_popularity": lambda world, plays: -np.log((artist_of(world, plays.song_N) + 0.5) / world.artists),
    "artist_affinity": _artist_affinity,
}
