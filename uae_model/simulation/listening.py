"""Plays of one block: attention, feedback and times of every session."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from uae_model.simulation import catalog
from uae_model.simulation.attention import Attention, attend, predicted_attention
from uae_model.simulation.hashing import Bools, Floats, Ints, choice, generator, normal, sigmoid
from uae_model.simulation.setting import LAST_HOUR, SHORTEST_BREAK_HOURS, Policy, Setting, draw_setting
from uae_model.simulation.traits import (
    affinity,
    artist_of,
    duration_of,
    genre_factors,
    genre_of,
    user_factors,
)
from uae_model.simulation.world import PLAYS_PER_LISTENING_DAY, USERS_PER_BLOCK, Block, World

PAUSES = 0.02
"""Share of the plays after which the listener pauses for minutes."""


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
    end_hour_S = np.minimum(setting.start_hour_S + world.longest_session_hours, LAST_HOUR)
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
        attention_N=predicted_attention(world, attention)[mask_ST],
        propensity_N=attention.propensity_ST[mask_ST],
        share_N=attention.share_ST[mask_ST],
        relevance_N=relevance_ST[mask_ST],
        liking_N=setting.liking_ST[mask_ST],
    )


def _responses(
    world: World, rng: np.random.Generator, setting: Setting, attention: Attention
) -> tuple[Ints, Ints]:
    """Return relevance and feedback: deliberate feedback follows relevance, a passive play has none."""
    shape = setting.mask_ST.shape
    likes = sigmoid(world.relevance_intercept + world.relevance_slope * setting.liking_ST)
    relevant_ST = rng.random(shape) < likes
    kind_ST = rng.random(shape)
    positive_ST = catalog.POSITIVE_FEEDBACK[choice(kind_ST, catalog.POSITIVE_SHARES)]
    negative_ST = catalog.NEGATIVE_FEEDBACK[choice(kind_ST, catalog.NEGATIVE_SHARES)]
    # Feedback without attention is an accident: it says nothing of the song.
    acted_ST = np.where(relevant_ST & attention.attended_ST, positive_ST, negative_ST)
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


def plays_per_listening_day(world: World) -> float:
    """Return the plays of a user on a day on which the user listens, on average.

    Where sessions are not of the usual length, those of a block are counted.
    """
    lengths = ("mean_log_length", "deviation_log_length", "longest_session", "longest_session_hours")
    usual = World()
    if all(getattr(world, name) == getattr(usual, name) for name in lengths):
        return PLAYS_PER_LISTENING_DAY
    crowd = replace(world, users=USERS_PER_BLOCK, activity=1.0)
    # Skips shorten sessions: this is about the attention and propensity of calibrated worlds.
    crowd = replace(crowd, attention_intercept=-0.6, propensity_intercept=-2.2, history_effect=2.0)
    return len(draw_plays(crowd, Block(1, 0)).user_N) / crowd.users


def observed_affinity(world: World, user_N: Ints, song_N: Ints) -> Floats:
    """Return the service's estimate of how well a user likes a song's genre: the truth and an error."""
    genre_N = genre_of(world, artist_of(world, song_N))
    true_N = affinity(user_factors(world, user_N), genre_factors(world, genre_N))
    return np.asarray(0.8 * true_N + 0.6 * normal(world.seed, "affinity error", user_N, genre_N))
