"""The choice of a weight function: hand-checked rules, then two small worlds in which the answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.builders import small_config, small_plays
from uae_model.core.errors import InputError
from uae_model.evaluation.plays import EvaluationPlays
from uae_model.evaluation.weight_choice import (
    JudgedFits,
    choose,
    judge_candidates,
    runner_of,
    trial_name,
)

NAMES = ("none", "linear", "scaled:0.1")


def fits(*value_CS: tuple[float, ...], draws: float = 0.0) -> JudgedFits:
    """Return fits of ``NAMES``; the draws of users move ``scaled:0.1`` alone, by this standard deviation."""
    values = np.array(value_CS)
    drawn = np.repeat(values[:, :, None], 3, axis=2)
    drawn[2] += draws * np.array([-1.0, 0.0, 1.0])
    return JudgedFits(NAMES[: len(values)], values, drawn)


def test_the_error_of_a_difference_has_both_noises() -> None:
    # differences by fit 0.01 and 0.03: mean 0.02, variance of the mean 0.0002 / 2; draws: variance 0.01^2
    judged = fits((0.5, 0.5), (0.60, 0.60), (0.61, 0.63), draws=0.01)
    difference, error = judged.difference("scaled:0.1", "linear")
    assert (difference, error) == pytest.approx((0.02, np.sqrt(0.0001 + 0.0001)))
    assert judged.difference("linear", "scaled:0.1") == pytest.approx((-0.02, error))
    assert judged.difference("linear", "linear") == (0.0, 0.0)


def test_what_moves_both_alike_is_no_noise() -> None:
    # the fits lie 0.1 apart, but in pairs the difference is 0.02 each time
    assert fits((0.5, 0.6), (0.6, 0.7), (0.62, 0.72)).difference("scaled:0.1", "linear")[1] == pytest.approx(
        0
    )


@pytest.mark.parametrize(
    ("draws", "chosen", "second"), [(0.01, "scaled:0.1", "linear"), (0.03, "linear", "scaled:0.1")]
)
def test_linear_wins_ties_within_a_standard_error(draws: float, chosen: str, second: str) -> None:
    name, runner_up, candidates = choose(fits((0.5, 0.5), (0.6, 0.6), (0.62, 0.62), draws=draws))
    assert (name, runner_up) == (chosen, second)
    assert [candidate.name for candidate in candidates] == ["scaled:0.1", "linear", "none"]
    best, linear, base = candidates
    assert (best.gain, linear.gain, base.gain) == pytest.approx((0.12, 0.1, 0.0))
    assert best.gain_error == pytest.approx(draws)
    by_name = {candidate.name: candidate for candidate in candidates}
    assert by_name[name].difference == 0.0
    expected = -0.02 if chosen == "scaled:0.1" else 0.02
    assert (by_name[second].difference, by_name[second].difference_error) == pytest.approx((expected, draws))


def test_a_function_that_is_worse_than_linear_never_wins() -> None:
    assert choose(fits((0.5, 0.5), (0.6, 0.6), (0.59, 0.59)))[0] == "linear"


def test_functions_of_attention_are_trials_of_the_model() -> None:
    names = {name: trial_name(name) for name in ("none", "constant:0.1", "linear", "scaled:0.1", "power:5")}
    assert names == {
        **{"none": "none", "constant:0.1": "constant:0.1", "linear": "auto:linear"},
        **{"scaled:0.1": "auto:scaled:0.1", "power:5": "auto:power:5"},
    }


CONFIG = small_config()
CANDIDATES = ("none", "active_only", "constant:0.2", "linear")


def world(
    *, active_likes: float, active_dislikes: float, attended_likes: float, plays: int = 6_000
) -> EvaluationPlays:
    """Return plays of songs that are liked or not; who acts says so, all other plays have label 1.

    Args:
        active_likes: probability that a play of a liked song is active.
        active_dislikes: the same of a disliked song.
        attended_likes: share of liked songs among the attended passive plays; the others are of all songs.
    """
    random = np.random.default_rng(5)
    made = small_plays(CONFIG, plays=plays)
    song = [feature.name for feature in CONFIG.features.categorical].index("song")
    liked_N = random.random(plays) < 0.5
    active_N = random.random(plays) < np.where(liked_N, active_likes, active_dislikes)
    attended_N = active_N | (random.random(plays) < np.where(liked_N, attended_likes, 1 - attended_likes))
    categorical_NF = made.categorical_NF.copy()
    categorical_NF[:, song] = 2 * random.integers(0, 30, plays) + liked_N + 1
    return replace(
        made,
        categorical_NF=categorical_NF,
        user_N=random.integers(0, 100, plays),
        active_N=active_N,
        label_N=np.where(active_N, liked_N, 1).astype(np.int8),
        relevance_N=liked_N.astype(np.int8),
        attended_N=attended_N.astype(np.int8),
    )


def chosen_in(plays: EvaluationPlays) -> str:
    assert plays.attended_N is not None
    runner = runner_of(plays, plays.attended_N.astype(float), CONFIG)
    return choose(judge_candidates(runner, CANDIDATES, fits=2))[0]


@pytest.mark.slow
def test_where_attention_says_who_likes_linear_is_chosen() -> None:
    assert chosen_in(world(active_likes=0.12, active_dislikes=0.18, attended_likes=0.9)) == "linear"


@pytest.mark.slow
def test_where_passive_plays_mislead_only_active_ones_count() -> None:
    assert chosen_in(world(active_likes=0.6, active_dislikes=0.2, attended_likes=0.1)) == "active_only"


def test_too_few_active_plays_decide_nothing() -> None:
    plays = small_plays(CONFIG)
    runner = runner_of(plays, np.ones(len(plays)), CONFIG)
    with pytest.raises(InputError, match=r"cannot be chosen: of the active plays .* 50 of each are needed"):
        judge_candidates(runner, CANDIDATES, fits=2)
