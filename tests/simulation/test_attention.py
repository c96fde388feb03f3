"""Laws of attention and feedback beyond the sticky chain, against their definition by hand."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from uae_model.simulation import catalog
from uae_model.simulation.attention import absence_shares, attend, predicted_attention
from uae_model.simulation.listening import draw_plays, plays_per_listening_day
from uae_model.simulation.setting import draw_setting
from uae_model.simulation.world import Block, World

PLAIN = World(users=1_500, songs=500, attention_intercept=-0.6, propensity_intercept=-1.0, history_effect=1.5)
DWELLING = replace(PLAIN, stickiness=0.5, short_absence=2, mean_log_length=3.5, deviation_log_length=0.3)
BLOCK = Block(1, 0)


@pytest.mark.parametrize(
    ("changes", "digest"),
    [
        ({}, "f62c11bb12830590"),
        (
            {
                "users": 400,
                "stickiness": 0.0,
                "waking": 0.9,
                "leaving": 0.3,
                "attention_intercept": -0.6,
                "propensity_intercept": -1.0,
                "history_effect": 1.5,
            },
            "10498b1cb4d009a1",
        ),
    ],
)
def test_worlds_without_the_later_parameters_are_as_they_were(changes: dict[str, Any], digest: str) -> None:
    """Digests taken before the simulator knew absences, boredom, silent users, accidents or long sessions."""
    plays = draw_plays(World(**changes), Block(0, 0 if changes else 1))
    content = hashlib.sha256()
    for field in fields(plays):
        values = np.ascontiguousarray(getattr(plays, field.name))
        content.update(field.name.encode() + str(values.dtype).encode() + values.tobytes())
    assert content.hexdigest()[:16] == digest


def test_absences_last_as_long_as_they_should_and_attention_is_back_after_them() -> None:
    setting = draw_setting(DWELLING, BLOCK)
    attended_ST = attend(DWELLING, setting).attended_ST
    absences = []
    for attended_T, mask_T in zip(attended_ST, setting.mask_ST, strict=True):
        runs = "".join("1" if attended else "0" for attended in attended_T[mask_T]).split("1")
        # The last run may be cut by the end of the session; the others are over.
        absences += [len(run) for run in runs[:-1] if run]
    counts = np.bincount(absences, minlength=21)
    assert counts[3:5].sum() == 0
    assert counts[21:].sum() == 0
    assert counts[1] == pytest.approx(counts[2], rel=0.2)
    shares = absence_shares(DWELLING)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[[0, 1, 2, 3]].tolist() == [0.25, 0.25, 0.0, 0.0]
    # Long absences are cut more often than short ones, so fewer than a half of the whole ones are long.
    assert 0.3 < counts[5:].sum() / counts.sum() < 0.5


@pytest.mark.parametrize(
    "world",
    [
        PLAIN,
        replace(PLAIN, stickiness=0.2, waking=0.9),
        DWELLING,
        replace(PLAIN, accidents=0.1),
        replace(PLAIN, boredom=1.5, silent_users=0.3, propensity_deviation=1.0),
        replace(DWELLING, accidents=0.05, silent_users=0.3),
    ],
)
def test_predicted_attention_is_the_frequency_of_attention(world: World) -> None:
    setting = draw_setting(world, BLOCK)
    attention = attend(world, setting)
    predicted_N = predicted_attention(world, attention)[setting.mask_ST]
    attended_N = attention.attended_ST[setting.mask_ST]
    for low in (0.0, 0.25, 0.5, 0.75):
        group = (predicted_N >= low) & (predicted_N < low + 0.25)
        # At least 1,000 plays in each quarter: 0.06 is about four standard errors.
        assert attended_N[group].mean() == pytest.approx(predicted_N[group].mean(), abs=0.06)


def test_boredom_lowers_attention_after_disliked_songs() -> None:
    bored = replace(PLAIN, boredom=1.5)
    setting = draw_setting(bored, BLOCK)
    disliked_ST = bored.relevance_intercept + bored.relevance_slope * setting.liking_ST < 0
    np.testing.assert_array_equal(setting.bored_ST[:, 0], 0.0)
    np.testing.assert_allclose(setting.bored_ST[:, 2], 0.7 * disliked_ST[:, 0] + disliked_ST[:, 1])
    lower_ST, plain_ST = (attend(world, setting).share_ST for world in (bored, PLAIN))
    fell_ST = np.log(plain_ST / (1 - plain_ST)) - np.log(lower_ST / (1 - lower_ST))
    np.testing.assert_allclose(fell_ST, 1.5 * setting.bored_ST, atol=1e-9)


def test_silent_users_never_act_and_others_differ() -> None:
    world = replace(PLAIN, silent_users=0.33, propensity_deviation=2.0)
    plays = draw_plays(world, BLOCK)
    silent_N = plays.propensity_N == 0
    users = np.unique(plays.user_N)
    silent = np.unique(plays.user_N[silent_N])
    assert len(silent) / len(users) == pytest.approx(0.33, abs=0.06)
    assert not plays.active_N[np.isin(plays.user_N, silent)].any()
    plain = draw_plays(PLAIN, BLOCK)

    def spread(of: Any) -> float:
        return float(
            np.std([of.propensity_N[of.user_N == user].mean() for user in np.unique(of.user_N)[:300]])
        )

    loud = draw_plays(replace(world, silent_users=0.0), BLOCK)
    assert spread(loud) > 2 * spread(plain)


def test_accidents_are_negative_feedback_without_attention() -> None:
    plays = draw_plays(replace(PLAIN, accidents=0.05), BLOCK)
    unattended_N = ~plays.attended_N
    accident_N = plays.active_N & unattended_N
    assert accident_N.sum() / unattended_N.sum() == pytest.approx(0.05, abs=0.01)
    assert np.isin(plays.feedback_N[accident_N], catalog.NEGATIVE_FEEDBACK).all()
    assert plays.relevance_N[accident_N].mean() > 0.3  # the song has no part in it
    deliberate_N = plays.active_N & plays.attended_N
    assert np.isin(plays.feedback_N[deliberate_N & (plays.relevance_N == 1)], catalog.POSITIVE_FEEDBACK).all()


@pytest.mark.slow
def test_sessions_may_be_long() -> None:
    world = replace(
        PLAIN, longest_session=300, longest_session_hours=23.4, mean_log_length=2.7, deviation_log_length=1.4
    )
    plays = draw_plays(world, BLOCK)
    _, lengths = np.unique(plays.session_N, return_counts=True)
    assert lengths.min() == 1
    assert 200 < lengths.max() <= 300
    assert len(plays.user_N) / 1_500 / world.activity == pytest.approx(
        plays_per_listening_day(world), rel=0.1
    )
    assert world.numbers_per_session == 512
    assert PLAIN.numbers_per_session == 128


@pytest.mark.parametrize(("effect", "liked_more"), [(0.8, True), (-0.8, False)])
def test_either_liking_or_disliking_provokes_feedback(effect: float, liked_more: bool) -> None:
    plays = draw_plays(replace(PLAIN, liking_effect=effect), BLOCK)
    active_N, passive_N = plays.active_N, plays.attended_N & ~plays.active_N
    assert bool(plays.relevance_N[active_N].mean() > plays.relevance_N[passive_N].mean()) is liked_more
