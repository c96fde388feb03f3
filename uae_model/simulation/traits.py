"""What users and songs are like: functions of the seed and the id, so any scale needs no tables.

Taste has ``FACTORS`` latent dimensions. A genre has a direction, an artist lies near the genre's, a song
near the artist's; liking is the user's vector times the song's, plus the song's popularity and appeal.
"""

from __future__ import annotations

import numpy as np

from uae_model.simulation.catalog import GENRE_SKEW, GENRES
from uae_model.simulation.hashing import Floats, Ints, normal, uniform
from uae_model.simulation.world import World

FACTORS = 4
POPULARITY_SKEW = 2.0
"""A song's rank is songs * u ** skew: with 2, half of the plays go to a quarter of the songs."""
SHORTEST_SONG_MS = 120_000
LONGEST_SONG_MS = 300_000

_NEAR_GENRE, _NEAR_ARTIST = 0.75, 0.85
_POPULARITY_WEIGHT = _APPEAL_WEIGHT = 0.4


def song_of_rank(world: World, uniforms: Floats) -> Ints:
    """Return songs drawn by popularity; song 0 is the most popular."""
    return np.minimum((world.songs * uniforms**POPULARITY_SKEW).astype(np.int64), world.songs - 1)


def artist_of(world: World, song: Ints) -> Ints:
    """Return each song's artist; the first artists have more songs."""
    drawn = uniform(world.seed, "artist of song", song) ** 1.5
    return (world.artists * drawn).astype(np.int64)


def genre_of(world: World, artist: Ints) -> Ints:
    """Return each artist's genre."""
    drawn = uniform(world.seed, "genre of artist", artist) ** GENRE_SKEW
    return (len(GENRES) * drawn).astype(np.int64)


def popularity_of(world: World, song: Ints) -> Floats:
    """Return popularity as a standardised number: the logarithm of the song's rank, mean 0 over plays."""
    # Over plays the rank is songs * u^skew, so -log(rank share) is skew times a standard exponential.
    share = (song + 0.5) / world.songs
    return np.asarray(-np.log(share) / POPULARITY_SKEW - 1.0)


def duration_of(world: World, song: Ints) -> Ints:
    """Return each song's length in milliseconds, two to five minutes."""
    both = uniform(world.seed, "duration/1", song) + uniform(world.seed, "duration/2", song)
    return (SHORTEST_SONG_MS + 0.5 * both * (LONGEST_SONG_MS - SHORTEST_SONG_MS)).astype(np.int64)


def user_factors(world: World, user: Ints) -> Floats:
    """Return the taste of each user, shape (users, FACTORS)."""
    return _noise(world, "taste", user)


def genre_factors(world: World, genre: Ints) -> Floats:
    """Return the direction of each genre, shape (genres, FACTORS)."""
    return _noise(world, "genre factors", np.arange(len(GENRES)))[genre]


def artist_factors(world: World, artist: Ints, genre: Ints) -> Floats:
    """Return the direction of each artist, shape (artists, FACTORS)."""
    near = _NEAR_GENRE
    own = _noise(world, "artist factors", artist)
    return np.asarray(near * genre_factors(world, genre) + np.sqrt(1 - near**2) * own)


def song_factors(world: World, song: Ints, of_artist: Floats) -> Floats:
    """Return the direction of each song given its artist's, shape (songs, FACTORS)."""
    near = _NEAR_ARTIST
    return np.asarray(near * of_artist + np.sqrt(1 - near**2) * _noise(world, "song factors", song))


def affinity(taste: Floats, direction: Floats) -> Floats:
    """Return how well a taste fits a direction: a number of mean 0 and variance about 1."""
    return np.asarray(np.einsum("nk,nk->n", taste, direction) / np.sqrt(FACTORS))


def liking_of(world: World, taste: Floats, song: Ints) -> Floats:
    """Return how much each user likes each song: mean about 0, variance about 1."""
    artist = artist_of(world, song)
    direction = song_factors(world, song, artist_factors(world, artist, genre_of(world, artist)))
    appeal = normal(world.seed, "appeal", song)
    raw = affinity(taste, direction) + _POPULARITY_WEIGHT * popularity_of(world, song)
    return np.asarray(
        (raw + _APPEAL_WEIGHT * appeal) / np.sqrt(1 + _POPULARITY_WEIGHT**2 + _APPEAL_WEIGHT**2)
    )


def _noise(world: World, trait: str, ids: Ints) -> Floats:
    return normal(world.seed, trait, ids[:, None], np.arange(FACTORS)[None, :])
