"""Fitting the parameters of feedback to the figures that a world aims at: by default the paper's Fig. 2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.optimize import bisect

from uae_model.core.errors import InputError
from uae_model.simulation.attention import advance, attend, attended_share, attending
from uae_model.simulation.hashing import Floats, sigmoid
from uae_model.simulation.setting import Setting, draw_setting
from uae_model.simulation.world import Block, World

SAMPLE_DAYS = (1, 3, 5)
"""Two working days and a day of the weekend, when the world starts on a Monday: about a week's mix."""

SAMPLE_USERS = 2_500
EFFECTS = np.arange(-4.0, 12.1)
INTERCEPTS = np.arange(-14.0, 6.1)
ATTENTION_INTERCEPTS = np.array([-10.0, 10.0])
"""Coarse grids, from low to high, between whose points the wanted figure is crossed."""
PRECISION = 5e-3
"""Of an intercept or effect, in logits: far below the sample's own error."""

TOLERANCE = 0.02
"""Largest distance of P(a|a) from what is aimed at."""

ACCIDENT_ROUNDS = 3


@dataclass(frozen=True)
class Transitions:
    """Shares that describe feedback along sessions."""

    active: float
    active_after_active: float
    active_after_passive: float


@lru_cache(maxsize=16)
def calibrated(world: World) -> World:
    """Return the world with the two intercepts and the history effect that meet its figures.

    Attention's intercept follows from the mean. The history effect raises P(a|a) and hardly P(a|p), the
    propensity's intercept sets P(a|p); one is solved inside the other by bisection, on the same draws.
    Where a share of the negative feedback is to be accidental, the accidents follow from the feedback that
    they are a share of, and that from the accidents: a few rounds settle it.

    Raises:
        InputError: if no history effect and propensity meet the figures in this world.
    """
    settings = _sample(world)
    intercept = _first_crossing(
        lambda value: (
            _mean_attention(replace(world, attention_intercept=value), settings) - world.mean_attention
        ),
        ATTENTION_INTERCEPTS,
    )
    if intercept is None:
        raise _no_such_world(world)
    fitted = _with_feedback(replace(world, attention_intercept=intercept), settings, None)
    for _ in range(ACCIDENT_ROUNDS if world.accidental_share else 0):
        accidental = replace(fitted, accidents=_accidents(fitted, settings))
        fitted = _with_feedback(accidental, settings, fitted)
    return fitted


def _with_feedback(world: World, settings: tuple[Setting, ...], similar: World | None) -> World:
    """Return the world with the history effect and the propensity that meet P(a|a) and P(a|p).

    ``similar`` is a world whose effect and propensity may be near.
    """
    near = None if similar is None else similar.propensity_intercept

    def intercept_for(effect: float) -> float | None:
        nonlocal near
        law = replace(world, history_effect=effect)
        intercept = _first_crossing(
            lambda value: (
                transitions(replace(law, propensity_intercept=value), settings).active_after_passive
                - world.active_after_passive
            ),
            INTERCEPTS,
            near,
        )
        near = near if intercept is None else intercept
        return intercept

    def excess(effect: float) -> float:
        intercept = intercept_for(effect)
        if intercept is None:  # feedback breeds feedback: so little attention is left to passive plays
            return 1.0
        law = replace(world, history_effect=effect, propensity_intercept=intercept)
        return transitions(law, settings).active_after_active - world.active_after_active

    effect = _first_crossing(excess, EFFECTS, None if similar is None else similar.history_effect)
    intercept = None if effect is None else intercept_for(effect)
    if effect is None or intercept is None or abs(excess(effect)) > TOLERANCE:
        raise _no_such_world(world)
    return replace(world, history_effect=effect, propensity_intercept=intercept)


def _no_such_world(world: World) -> InputError:
    return InputError(
        f"simulation: no world with these parameters has E[a] = {world.mean_attention}, P(a|a) = "
        f"{world.active_after_active} and P(a|p) = {world.active_after_passive}; change stickiness, "
        "context_scale, absences or accidents, or what is aimed at"
    )


def _accidents(world: World, settings: tuple[Setting, ...]) -> float:
    """Return the P(e = 1 | a = 0) that makes ``accidental_share`` of the negative feedback accidental."""
    disliked, unattended = 0.0, 0
    for setting in settings:
        attention = attend(world, setting)
        deliberate_ST = attention.active_ST & attention.attended_ST & setting.mask_ST
        likes_ST = sigmoid(world.relevance_intercept + world.relevance_slope * setting.liking_ST)
        disliked += float((1 - likes_ST)[deliberate_ST].sum())
        unattended += int((~attention.attended_ST & setting.mask_ST).sum())
    share = world.accidental_share
    return share / (1 - share) * disliked / max(unattended, 1)


def _first_crossing(
    function: Callable[[float], float], grid: Floats, near: float | None = None
) -> float | None:
    """Return where the function first rises through zero; None: nowhere on the grid.

    P(a|p) rises with the propensity and falls again where nearly every attended play is active (a passive
    one is then unattended, and attention sticks), so a plain bisection may bracket nothing. It rises through
    zero once, so the grid's step around the solution of a similar problem may spare the way from its start.
    """
    brackets = list(pairwise(grid))
    if near is not None:
        low, high = brackets[int(np.clip(np.searchsorted(grid, near) - 1, 0, len(brackets) - 1))]
        if function(low) < 0 <= function(high):
            return float(bisect(function, low, high, xtol=PRECISION))
    if function(grid[0]) < 0:
        for low, high in brackets:
            if function(high) >= 0:
                return float(bisect(function, low, high, xtol=PRECISION))
    return None


def transitions(world: World, settings: tuple[Setting, ...]) -> Transitions:
    """Return the shares of a world's plays, counted within sessions."""
    counts = np.zeros(6)
    for setting in settings:
        attention = attend(world, setting)
        active_ST = attention.active_ST
        pair_ST = setting.mask_ST[:, 1:]
        before_ST, after_ST = active_ST[:, :-1] & pair_ST, active_ST[:, 1:] & pair_ST
        counts += [
            (before_ST & after_ST).sum(),
            before_ST.sum(),
            after_ST.sum(),
            pair_ST.sum(),
            (active_ST & setting.mask_ST).sum(),
            setting.mask_ST.sum(),
        ]
    both, before, after, pairs, active, plays = counts
    return Transitions(
        active=active / plays,
        active_after_active=both / max(before, 1),
        active_after_passive=(after - both) / max(pairs - before, 1),
    )


def _sample(world: World) -> tuple[Setting, ...]:
    crowd = replace(world, users=max(world.users, SAMPLE_USERS))
    return tuple(draw_setting(crowd, Block(day, 0)) for day in SAMPLE_DAYS)


def _mean_attention(world: World, settings: tuple[Setting, ...]) -> float:
    """Return E[a] over plays: the law's expectation, without random draws and ``world.waking``."""
    total, plays = 0.0, 0
    for setting in settings:
        share_ST = attended_share(world, setting)
        belief_SK = attending(world, len(share_ST))
        for step in range(share_ST.shape[1]):
            sticky_S = np.full(len(share_ST), world.stickiness if step else 0.0)
            belief_SK = advance(world, belief_SK, sticky_S, share_ST[:, step])
            total += float(belief_SK[setting.mask_ST[:, step], 0].sum())
        plays += int(setting.mask_ST.sum())
    return total / plays
