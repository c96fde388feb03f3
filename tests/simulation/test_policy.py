"""A service that chooses songs, and listeners who leave when bored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uae_model.simulation import catalog
from uae_model.simulation.hashing import Ints
from uae_model.simulation.listening import draw_plays
from uae_model.simulation.setting import OFFERED_SONGS, Offer
from uae_model.simulation.traits import liking_of, user_factors
from uae_model.simulation.world import Block, World

WORLD = World(users=300, songs=500, activity=1.0, attention_intercept=1.0, propensity_intercept=-1.0)
BLOCK = Block(1, 0)


def first(offer: Offer) -> Ints:
    return offer.song_NK[:, 0]


def best(offer: Offer) -> Ints:
    """The song that the listener truly likes best."""
    taste = np.repeat(user_factors(WORLD, offer.user_N), OFFERED_SONGS, axis=0)
    liking_NK = liking_of(WORLD, taste, offer.song_NK.ravel()).reshape(offer.song_NK.shape)
    return np.take_along_axis(offer.song_NK, liking_NK.argmax(axis=1)[:, None], axis=1)[:, 0]


def test_only_the_slots_of_the_service_are_filled() -> None:
    seen: list[Offer] = []

    def watching(offer: Offer) -> Ints:
        seen.append(offer)
        return first(offer)

    plain, filled = draw_plays(WORLD, BLOCK), draw_plays(WORLD, BLOCK, watching)
    (offer,) = seen
    assert not catalog.CHOSEN_SOURCES[offer.source_N].any()
    assert offer.song_NK.shape == (len(offer.user_N), OFFERED_SONGS)
    chosen = {(s, u, song) for s, u, song in zip(plain.source_N, plain.user_N, plain.song_N) if s < 2}  # noqa: B905
    kept = {(s, u, song) for s, u, song in zip(filled.source_N, filled.user_N, filled.song_N) if s < 2}  # noqa: B905
    assert len(chosen & kept) > 0.9 * len(chosen)  # the rest: another song before lasted longer or shorter


def test_what_a_policy_plays_is_liked_as_its_songs_are() -> None:
    plays = draw_plays(WORLD, BLOCK, best)
    expected = liking_of(WORLD, user_factors(WORLD, plays.user_N), plays.song_N)
    np.testing.assert_allclose(plays.liking_N, expected)
    plain = draw_plays(WORLD, BLOCK)
    served = ~catalog.CHOSEN_SOURCES[plays.source_N]
    assert (
        plays.liking_N[served].mean() > plain.liking_N[~catalog.CHOSEN_SOURCES[plain.source_N]].mean() + 0.8
    )


def test_without_policy_and_leaving_nothing_has_changed() -> None:
    # What was drawn before either existed.
    plays = draw_plays(WORLD, BLOCK)
    drawn = (plays.song_N, plays.feedback_N, plays.relevance_N, plays.played_ms_N)
    assert len(plays.user_N) == 6212
    assert [int(values.sum()) for values in drawn] == [972_927, 26_525, 3_689, 1_258_338_936]


def test_bored_listeners_leave_and_liked_songs_keep_them() -> None:
    leaving = replace(WORLD, leaving=0.2)
    stay, go = draw_plays(WORLD, BLOCK), draw_plays(leaving, BLOCK)
    assert len(go.user_N) < 0.9 * len(stay.user_N)
    # A session goes on after a play that was disliked and attended with probability 0.8 of what it would.
    bored = go.attended_N[:-1] & (go.relevance_N[:-1] == 0)
    goes_on = go.session_N[1:] == go.session_N[:-1]
    before = stay.session_N[1:] == stay.session_N[:-1]
    bored_before = stay.attended_N[:-1] & (stay.relevance_N[:-1] == 0)
    assert goes_on[bored].mean() / before[bored_before].mean() == pytest.approx(0.8, abs=0.03)
    pleased = draw_plays(leaving, BLOCK, best)
    assert len(pleased.user_N) > 1.03 * len(draw_plays(leaving, BLOCK, first).user_N)
