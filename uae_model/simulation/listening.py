"""Sessions of one block: who plays what, who attends, who acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from uae_model.simulation import catalog
from uae_model.simulation.hashing import Bools, Floats, Ints, choice, generator, normal, sigmoid
from uae_model.simulation.traits import (
    affinity,
    artist_of,
    duration_of,
    genre_factors,
    genre_of,
    liking_of,
    song_of_rank,
    user_factors,
)
from uae_model.simulation.world import USERS_PER_BLOCK, Block, World

LONGEST_SESSION = 70
MEAN_LOG_LENGTH, DEVIATION_LOG_LENGTH = 2.5, 0.8
SECOND_SESSION = 0.35
"""Probability that a listener comes back later on the same day."""

FIRST_HOUR, LAST_HOUR = 4.0, 27.4
"""A listening day runs from 04:00 UTC to before 04:00 of the next, so sessions of two days never touch."""
LONGEST_SESSION_HOURS = 5.4
SHORTEST_BREAK_HOURS = 0.75
"""Between two sessions of a user: more than the 30 minutes that end one."""

POSITION_EFFECT = -0.25
"""Change of attention's logit for each unit of log(1 + position): interest fades along a session."""
USER_EFFECT, GENRE_EFFECT = 0.5, 0.3
HISTORY_DECAY = 0.8
"""How much of the count of earlier active plays is left after each play."""
SWITCHES_SOURCE = 0.15
PAUSES = 0.02


@dataclass(frozen=True)
class Setting:
    """What is settled before attention: S sessions, padded to T plays.

    ``context_ST`` and ``liking_ST`` are standardised logits; ``draws_KST`` holds the uniform numbers that
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
    draws_KST: Floats


@dataclass(frozen=True)
class Attention:
    """The chain of attention and the feedback that followed.

    ``probability_ST`` is P(a_t = 1 | everything observable before the play's own feedback): the best
    that any estimator without hindsight can know. ``share_ST`` is s_t, what a fresh draw would give.
    """

    attended_ST: Bools
    active_ST: Bools
    probability_ST: Floats
    propensity_ST: Floats
    share_ST: Floats


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
    length_S = np.exp(rng.normal(MEAN_LOG_LENGTH, DEVIATION_LOG_LENGTH, sessions))
    length_S = np.clip(length_S.astype(np.int64), 1, LONGEST_SESSION)
    mask_ST = np.arange(LONGEST_SESSION) < length_S[:, None]
    device_S = choice(rng.random(sessions), catalog.DEVICE_SHARES)
    source_ST = _sources(rng, sessions)
    song_ST, liking_ST = _songs(world, rng, user_S, source_ST)
    if policy is not None:
        filled_ST = mask_ST & ~catalog.CHOSEN_SOURCES[source_ST]
        song_N = _fill(world, block, policy, filled_ST, user_S, start_S, device_S, source_ST)
        taste = user_factors(world, user_S)[np.nonzero(filled_ST)[0]]
        song_ST[filled_ST], liking_ST[filled_ST] = song_N, liking_of(world, taste, song_N)
    context_ST = _context(world, block, user_S, start_S, device_S, source_ST, song_ST)
    draws_KST = rng.random((3, sessions, LONGEST_SESSION))
    return Setting(user_S, start_S, mask_ST, device_S, source_ST, song_ST, context_ST, liking_ST, draws_KST)


def attend(world: World, setting: Setting) -> Attention:
    """Run the chain of attention and feedback along every session.

    Beside the truth it runs the forward filter of the same chain: after an active play attention is
    certain, after a passive one it is P(a | passive) by Bayes.
    """
    keep_ST, fresh_ST, act_ST = setting.draws_KST
    shape = setting.context_ST.shape
    attended_ST, active_ST = np.zeros(shape, bool), np.zeros(shape, bool)
    probability_ST, propensity_ST = np.zeros(shape), np.zeros(shape)
    known_S = np.zeros(shape[0])
    recent_S, last_S = np.zeros(shape[0]), np.zeros(shape[0])
    share_ST = sigmoid(world.attention_intercept + world.context_scale * setting.context_ST)
    for step in range(shape[1]):
        sticky_S = stickiness_after(world, last_S) if step else np.zeros(shape[0])
        fresh_S = fresh_ST[:, step] < share_ST[:, step]
        before_S = attended_ST[:, step - 1] if step else fresh_S
        attended_S = np.where(keep_ST[:, step] < sticky_S, before_S, fresh_S)
        history_S = last_S + world.recent_weight * recent_S
        propensity_S = sigmoid(
            world.propensity_intercept
            + world.liking_effect * setting.liking_ST[:, step]
            + world.history_effect * history_S
        )
        active_S = attended_S & (act_ST[:, step] < propensity_S)
        probability_S = sticky_S * known_S + (1 - sticky_S) * share_ST[:, step]
        passive_S = probability_S * (1 - propensity_S) / (1 - probability_S * propensity_S)
        known_S = np.where(active_S, 1.0, passive_S)
        recent_S = HISTORY_DECAY * recent_S + last_S
        last_S = active_S.astype(float)
        attended_ST[:, step], active_ST[:, step] = attended_S, active_S
        probability_ST[:, step], propensity_ST[:, step] = probability_S, propensity_S
    return Attention(attended_ST, active_ST, probability_ST, propensity_ST, share_ST)


def stickiness_after(world: World, active: Floats) -> Floats:
    """Return the stickiness of attention after plays that were active (1) or passive (0)."""
    return np.where(active > 0, max(world.waking, world.stickiness), world.stickiness)


@dataclass(frozen=True)
class Plays:
    """The plays of a block, N of them, session by session in order of time."""

    session_N: Ints
    user_N: Ints
    song_N: Ints
    device_N: Ints
    source_N: Ints
    start_ms_N: Ints
    """Milliseconds after the listening day's midnight."""
    played_ms_N: Ints
    feedback_N: Ints
    attended_N: Bools
    active_N: Bools
    attention_N: Floats
    propensity_N: Floats
    share_N: Floats
    relevance_N: Ints
    liking_N: Floats


def draw_plays(world: World, block: Block, policy: Policy | None = None) -> Plays:
    """Return the plays of a block, each with its truth. The same arguments give the same plays."""
    setting = draw_setting(world, block, policy)
    attention = attend(world, setting)
    rng = generator(world.seed, block.day, block.index, "playing")
    relevance_ST, feedback_ST = _responses(world, rng, setting, attention)
    start_ms_ST, played_ms_ST = _times(world, rng, setting, feedback_ST)
    end_hour_S = np.minimum(setting.start_hour_S + LONGEST_SESSION_HOURS, LAST_HOUR)
    mask_ST = setting.mask_ST & (start_ms_ST + played_ms_ST <= (end_hour_S * 3_600_000)[:, None])
    mask_ST &= _stays(world, block, attention, relevance_ST)
    mask_ST &= _has_room(setting, start_ms_ST, played_ms_ST, mask_ST)[:, None]
    rows, _ = np.nonzero(mask_ST)
    base = (block.day * world.blocks_per_day + block.index) << 32
    return Plays(
        session_N=base + rows,
        user_N=setting.user_S[rows],
        song_N=setting.song_ST[mask_ST],
        device_N=setting.device_S[rows],
        source_N=setting.source_ST[mask_ST],
        start_ms_N=start_ms_ST[mask_ST],
        played_ms_N=played_ms_ST[mask_ST],
        feedback_N=feedback_ST[mask_ST],
        attended_N=attention.attended_ST[mask_ST],
        active_N=attention.active_ST[mask_ST],
        attention_N=attention.probability_ST[mask_ST],
        propensity_N=attention.propensity_ST[mask_ST],
        share_N=attention.share_ST[mask_ST],
        relevance_N=relevance_ST[mask_ST],
        liking_N=setting.liking_ST[mask_ST],
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


def _sources(rng: np.random.Generator, sessions: int) -> Ints:
    main_S = choice(rng.random(sessions), catalog.SOURCE_SHARES)
    other_ST = choice(rng.random((sessions, LONGEST_SESSION)), catalog.SOURCE_SHARES)
    switches_ST = rng.random((sessions, LONGEST_SESSION)) < SWITCHES_SOURCE
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
        + catalog.HOUR_EFFECTS[hour_S]
        + catalog.WEEKDAY_EFFECTS[weekday]
        + USER_EFFECT * normal(world.seed, "attention of user", user_S)
    )
    genre_ST = genre_of(world, artist_of(world, song_ST.ravel())).reshape(song_ST.shape)
    genre_effect = GENRE_EFFECT * normal(world.seed, "attention to genre", np.arange(len(catalog.GENRES)))
    fading_T = POSITION_EFFECT * np.log1p(np.arange(LONGEST_SESSION))
    return np.asarray(
        per_session_S[:, None] + catalog.SOURCE_EFFECTS[source_ST] + genre_effect[genre_ST] + fading_T
    )


def _responses(
    world: World, rng: np.random.Generator, setting: Setting, attention: Attention
) -> tuple[Ints, Ints]:
    """Return relevance and feedback: active feedback follows relevance, a passive play has none."""
    shape = setting.mask_ST.shape
    likes = sigmoid(world.relevance_intercept + world.relevance_slope * setting.liking_ST)
    relevant_ST = rng.random(shape) < likes
    kind_ST = rng.random(shape)
    positive_ST = catalog.POSITIVE_FEEDBACK[choice(kind_ST, catalog.POSITIVE_SHARES)]
    negative_ST = catalog.NEGATIVE_FEEDBACK[choice(kind_ST, catalog.NEGATIVE_SHARES)]
    acted_ST = np.where(relevant_ST, positive_ST, negative_ST)
    feedback_ST = np.where(attention.active_ST, acted_ST, catalog.AUTO_PLAY)
    return relevant_ST.astype(np.int64), feedback_ST


def _times(world: World, rng: np.random.Generator, setting: Setting, feedback_ST: Ints) -> tuple[Ints, Ints]:
    """Return start and played time; skipped and disliked songs break off."""
    shape = setting.mask_ST.shape
    full_ST = duration_of(world, setting.song_ST.ravel()).reshape(shape)
    breaks_off_ST = np.isin(feedback_ST, catalog.NEGATIVE_FEEDBACK)
    share_ST = np.where(breaks_off_ST, rng.uniform(0.02, 0.6, shape), 1.0)
    played_ms_ST = (full_ST * share_ST).astype(np.int64)
    pause_ms_ST = rng.integers(0, 3_000, shape)
    pause_ms_ST += np.where(rng.random(shape) < PAUSES, rng.integers(60_000, 900_000, shape), 0)
    step_ST = played_ms_ST + pause_ms_ST
    start_ms_S = (setting.start_hour_S * 3_600_000).astype(np.int64)
    return start_ms_S[:, None] + np.cumsum(step_ST, axis=1) - step_ST, played_ms_ST


def _stays(world: World, block: Block, attention: Attention, relevance_ST: Ints) -> Bools:
    """Tell which plays the listener is there for: an attended play of a disliked song may be the last."""
    rng = generator(world.seed, block.day, block.index, "leaving")
    bored_ST = attention.attended_ST & (relevance_ST == 0)
    leaves_ST = bored_ST & (rng.random(relevance_ST.shape) < world.leaving)
    stays_ST: Bools = np.cumsum(leaves_ST, axis=1) - leaves_ST == 0
    return stays_ST


def _has_room(setting: Setting, start_ms_ST: Ints, played_ms_ST: Ints, mask_ST: Bools) -> Bools:
    """Tell which sessions start well after the end of the same user's session before."""
    end_ms_S = np.where(mask_ST, start_ms_ST + played_ms_ST, 0).max(axis=1)
    same_user_S = np.append(False, setting.user_S[1:] == setting.user_S[:-1])
    before_ms_S = np.append(0, end_ms_S[:-1])
    return ~same_user_S | (start_ms_ST[:, 0] > before_ms_S + SHORTEST_BREAK_HOURS * 3_600_000)


def observed_affinity(world: World, user_N: Ints, song_N: Ints) -> Floats:
    """Return the service's estimate of how well a user likes a song's genre: the truth and an error."""
    genre_N = genre_of(world, artist_of(world, song_N))
    true_N = affinity(user_factors(world, user_N), genre_factors(world, genre_N))
    return np.asarray(0.8 * true_N + 0.6 * normal(world.seed, "affinity error", user_N, genre_N))
