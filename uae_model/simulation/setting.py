"""Sessions of one block before anyone attends: who plays what, when and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from uae_model.simulation import catalog
from uae_model.simulation.hashing import Bools, Floats, Ints, choice, generator, normal, uniform
from uae_model.simulation.traits import artist_of, genre_of, liking_of, song_of_rank, user_factors
from uae_model.simulation.world import USERS_PER_BLOCK, Block, World

SECOND_SESSION = 0.35
"""Probability that a listener comes back later on the same day."""

FIRST_HOUR, LAST_HOUR = 4.0, 27.4
"""A listening day runs from 04:00 UTC to before 04:00 of the next, so sessions of two days never touch."""
SHORTEST_BREAK_HOURS = 0.75
"""Between two sessions of a user: more than the 30 minutes that end one."""

USER_EFFECT, GENRE_EFFECT = 0.5, 0.3
BOREDOM_DECAY = 0.7
"""How much of the count of songs disliked lately is left after each play."""
SWITCHES_SOURCE = 0.15


@dataclass(frozen=True)
class Setting:
    """What is settled before attention: S sessions, padded to T plays.

    ``context_ST`` and ``liking_ST`` are standardised logits, ``bored_ST`` counts the songs disliked before,
    ``tendency_S`` is a standard normal number of the session's user and ``silence_S`` a uniform one;
    ``draws_KST`` holds the uniform numbers that
    decide keeping, attending and acting: worlds with other parameters are compared on the same draws.
    """

    user_S: Ints
    start_hour_S: Floats
    mask_ST: Bools
    device_S: Ints
    source_ST: Ints
    song_ST: Ints
    context_ST: Floats
    liking_ST: Floats
    bored_ST: Floats
    tendency_S: Floats
    silence_S: Floats
    draws_KST: Floats


@dataclass(frozen=True)
class Offer:
    """What the service may play next where the listener does not choose: N slots with K songs each.

    ``position_N`` is the place in the session, from 1; ``hour_N`` the UTC hour at which the session starts.
    """

    user_N: Ints
    device_N: Ints
    source_N: Ints
    hour_N: Ints
    position_N: Ints
    song_NK: Ints


Policy = Callable[[Offer], Ints]
"""Chooses one song of each slot: returns song_N."""

OFFERED_SONGS = 10


def draw_setting(world: World, block: Block, policy: Policy | None = None) -> Setting:
    """Return the sessions that a block's users start on one day.

    Without a policy the service plays songs drawn by popularity. A policy changes the songs of the slots
    that it fills and nothing else that is drawn, so two policies meet the same listeners and draws.
    """
    rng = generator(world.seed, block.day, block.index, "listening")
    first = block.index * USERS_PER_BLOCK
    everyone = np.arange(first, min(first + USERS_PER_BLOCK, world.users))
    user_S, start_S = _starts(world, rng, everyone)
    sessions = len(user_S)
    length_S = np.exp(rng.normal(world.mean_log_length, world.deviation_log_length, sessions))
    length_S = np.clip(length_S.astype(np.int64), 1, world.longest_session)
    mask_ST = np.arange(world.longest_session) < length_S[:, None]
    device_S = choice(rng.random(sessions), catalog.DEVICE_SHARES)
    source_ST = _sources(rng, (sessions, world.longest_session))
    song_ST, liking_ST = _songs(world, rng, user_S, source_ST)
    if policy is not None:
        filled_ST = mask_ST & ~catalog.CHOSEN_SOURCES[source_ST]
        song_N = _fill(world, block, policy, filled_ST, user_S, start_S, device_S, source_ST)
        taste = user_factors(world, user_S)[np.nonzero(filled_ST)[0]]
        song_ST[filled_ST], liking_ST[filled_ST] = song_N, liking_of(world, taste, song_N)
    context_ST = _context(world, block, user_S, start_S, device_S, source_ST, song_ST)
    draws_KST = rng.random((3, sessions, world.longest_session))
    return Setting(
        user_S=user_S,
        start_hour_S=start_S,
        mask_ST=mask_ST,
        device_S=device_S,
        source_ST=source_ST,
        song_ST=song_ST,
        context_ST=context_ST,
        liking_ST=liking_ST,
        bored_ST=_disliked_lately(world, liking_ST),
        tendency_S=normal(world.seed, "propensity of user", user_S),
        silence_S=uniform(world.seed, "silence of user", user_S),
        draws_KST=draws_KST,
    )


def _starts(world: World, rng: np.random.Generator, everyone: Ints) -> tuple[Ints, Floats]:
    """Return the user and the start hour of each session; a user's sessions lie next to each other."""
    listens = rng.random(len(everyone)) < world.activity
    again = listens & (rng.random(len(everyone)) < SECOND_SESSION)
    hours = np.sort(_start_hours(rng, len(everyone)), axis=1)
    first_only = np.where(rng.random(len(everyone)) < 0.5, hours[:, 0], hours[:, 1])
    hours[:, 0] = np.where(again, hours[:, 0], first_only)
    wanted = np.stack([listens, again], axis=1)
    row, number = np.nonzero(wanted)
    return everyone[row], hours[row, number]


def _start_hours(rng: np.random.Generator, users: int) -> Floats:
    hour = choice(rng.random((users, 2)), catalog.HOUR_SHARES).astype(float)
    hour += np.where(hour < FIRST_HOUR, 24.0, 0.0)
    return np.asarray(np.minimum(hour + rng.random((users, 2)), LAST_HOUR - 0.4))


def _sources(rng: np.random.Generator, shape: tuple[int, int]) -> Ints:
    main_S = choice(rng.random(shape[0]), catalog.SOURCE_SHARES)
    other_ST = choice(rng.random(shape), catalog.SOURCE_SHARES)
    switches_ST = rng.random(shape) < SWITCHES_SOURCE
    return np.where(switches_ST, other_ST, main_S[:, None])


def _songs(world: World, rng: np.random.Generator, user_S: Ints, source_ST: Ints) -> tuple[Ints, Floats]:
    """Return songs and how much they are liked; where the listener chooses, the better of two is played."""
    shape = source_ST.shape
    taste = np.repeat(user_factors(world, user_S), shape[1], axis=0)
    offered = [song_of_rank(world, rng.random(shape)).ravel() for _ in range(2)]
    liked = [liking_of(world, taste, song) for song in offered]
    second = catalog.CHOSEN_SOURCES[source_ST].ravel() & (liked[1] > liked[0])
    song = np.where(second, offered[1], offered[0]).reshape(shape)
    return song, np.where(second, liked[1], liked[0]).reshape(shape)


def _fill(
    world: World,
    block: Block,
    policy: Policy,
    filled_ST: Bools,
    user_S: Ints,
    start_hour_S: Floats,
    device_S: Ints,
    source_ST: Ints,
) -> Ints:
    """Return the song that the policy plays in each slot of the mask, out of songs drawn by popularity."""
    rng = generator(world.seed, block.day, block.index, "offers")
    session_N, step_N = np.nonzero(filled_ST)
    return policy(
        Offer(
            user_N=user_S[session_N],
            device_N=device_S[session_N],
            source_N=source_ST[filled_ST],
            hour_N=start_hour_S[session_N].astype(np.int64) % 24,
            position_N=step_N + 1,
            song_NK=song_of_rank(world, rng.random((len(session_N), OFFERED_SONGS))),
        )
    )


def _context(
    world: World,
    block: Block,
    user_S: Ints,
    start_hour_S: Floats,
    device_S: Ints,
    source_ST: Ints,
    song_ST: Ints,
) -> Floats:
    """Return what moves attention, in logits."""
    hour_S = start_hour_S.astype(np.int64) % 24
    weekday = (world.first_day.weekday() + block.day) % 7
    per_session_S = (
        catalog.DEVICE_EFFECTS[device_S]
        + world.hour_scale * catalog.HOUR_EFFECTS[hour_S]
        + catalog.WEEKDAY_EFFECTS[weekday]
        + USER_EFFECT * normal(world.seed, "attention of user", user_S)
    )
    genre_ST = genre_of(world, artist_of(world, song_ST.ravel())).reshape(song_ST.shape)
    genre_effect = GENRE_EFFECT * normal(world.seed, "attention to genre", np.arange(len(catalog.GENRES)))
    fading_T = -world.fading * np.log1p(np.arange(song_ST.shape[1]))
    return np.asarray(
        per_session_S[:, None] + catalog.SOURCE_EFFECTS[source_ST] + genre_effect[genre_ST] + fading_T
    )


def _disliked_lately(world: World, liking_ST: Floats) -> Floats:
    """Return the decayed count of the songs before each play that are more likely disliked than liked."""
    disliked_ST = world.relevance_intercept + world.relevance_slope * liking_ST < 0
    bored_ST = np.zeros(liking_ST.shape)
    for step in range(1, liking_ST.shape[1]):
        bored_ST[:, step] = BOREDOM_DECAY * bored_ST[:, step - 1] + disliked_ST[:, step - 1]
    return bored_ST
