"""Who attends and who acts: the chain of attention along a session, with dwell times of its own or without.

States of a listener: 0 attends, 1 is absent. Where the world has absences of a length of their own
(``World.short_absence``), state r is an absence of which r plays are left, this one included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uae_model.simulation.hashing import Bools, Floats, Ints, choice, sigmoid
from uae_model.simulation.setting import Setting
from uae_model.simulation.world import World

HISTORY_DECAY = 0.8
"""How much of the count of earlier active plays is left after each play."""


@dataclass(frozen=True)
class Attention:
    """Attention and the feedback that followed. ``share_ST`` is s_t, what a fresh draw would give.

    Cells behind the end of a session mean nothing.
    """

    attended_ST: Bools
    active_ST: Bools
    propensity_ST: Floats
    share_ST: Floats


def attend(world: World, setting: Setting) -> Attention:
    """Run attention and feedback along every session, the longest sessions first and together."""
    length_S = setting.mask_ST.sum(axis=1)
    order_S = np.argsort(-length_S, kind="stable")
    running_T = setting.mask_ST.sum(axis=0)
    share_ST = attended_share(world, setting)
    keep_TS, fresh_TS, act_TS = (np.ascontiguousarray(draw_ST[order_S].T) for draw_ST in setting.draws_KST)
    share_TS = np.ascontiguousarray(share_ST[order_S].T)
    liking_TS = np.ascontiguousarray(setting.liking_ST[order_S].T)
    attended_TS, active_TS = np.zeros(share_TS.shape, bool), np.zeros(share_TS.shape, bool)
    propensity_TS = np.zeros(share_TS.shape)
    effect_S = world.propensity_deviation * setting.tendency_S[order_S]
    silent_S = setting.silence_S[order_S] < world.silent_users
    recent_S, last_S = np.zeros(len(order_S)), np.zeros(len(order_S))
    left_S = np.zeros(len(order_S), np.int64)  # plays of an absence that are still to come
    for step, running in enumerate(running_T.tolist()):
        recent_S, last_S, left_S = recent_S[:running], last_S[:running], left_S[:running]
        share_S, fresh_S = share_TS[step, :running], fresh_TS[step, :running]
        attended_S = fresh_S < share_S
        if step:
            before_S = attended_TS[step - 1, :running]
            kept_S = keep_TS[step, :running] < stickiness_after(world, last_S)
            if world.short_absence:
                attended_S = np.where(before_S, kept_S | attended_S, left_S == 0)
            else:
                attended_S = np.where(kept_S, before_S, attended_S)
        if world.short_absence:
            begins_S = ~attended_S & (left_S == 0)
            left_S = np.where(begins_S, _absences(world, share_S, fresh_S), left_S)
            left_S = np.maximum(left_S - 1, 0)
        history_S = last_S + world.recent_weight * recent_S
        propensity_S = sigmoid(
            world.propensity_intercept
            + world.liking_effect * liking_TS[step, :running]
            + world.history_effect * history_S
            + effect_S[:running]
        )
        propensity_S[silent_S[:running]] = 0.0
        active_S = act_TS[step, :running] < np.where(attended_S, propensity_S, world.accidents)
        recent_S = HISTORY_DECAY * recent_S + last_S
        last_S = active_S.astype(float)
        attended_TS[step, :running], active_TS[step, :running] = attended_S, active_S
        propensity_TS[step, :running] = propensity_S
    back_S = np.argsort(order_S)
    return Attention(attended_TS.T[back_S], active_TS.T[back_S], propensity_TS.T[back_S], share_ST)


def attended_share(world: World, setting: Setting) -> Floats:
    """Return s_t of every play, shape (S, T): what a fresh draw of attention would give."""
    return sigmoid(
        world.attention_intercept
        + world.context_scale * setting.context_ST
        - world.boredom * setting.bored_ST
    )


def predicted_attention(world: World, attention: Attention) -> Floats:
    """Return P(a_t = 1 | everything observable before the play's own feedback), shape (S, T).

    The best that any estimator without hindsight can know: the forward filter of the world's own law.
    """
    share_ST, propensity_ST, active_ST = attention.share_ST, attention.propensity_ST, attention.active_ST
    predicted_ST = np.zeros(share_ST.shape)
    belief_SK = attending(world, share_ST.shape[0])
    for step in range(share_ST.shape[1]):
        sticky_S = (
            stickiness_after(world, active_ST[:, step - 1].astype(float)) if step else np.zeros(len(share_ST))
        )
        belief_SK = advance(world, belief_SK, sticky_S, share_ST[:, step])
        predicted_S, propensity_S = belief_SK[:, 0], propensity_ST[:, step]
        predicted_ST[:, step] = predicted_S
        acted_S, accident_S = predicted_S * propensity_S, (1 - predicted_S) * world.accidents
        passive_S = predicted_S * (1 - propensity_S) / (1 - acted_S - accident_S)
        deliberate_S = np.divide(acted_S, acted_S + accident_S, out=np.ones(len(acted_S)), where=acted_S > 0)
        known_S = np.where(active_ST[:, step], deliberate_S, passive_S)
        if belief_SK.shape[1] == 2:
            belief_SK = np.stack([known_S, 1 - known_S], axis=1)
        else:
            absent_S = np.maximum(1 - predicted_S, np.finfo(float).tiny)
            belief_SK = belief_SK * ((1 - known_S) / absent_S)[:, None]
            belief_SK[:, 0] = known_S
    return predicted_ST


def stickiness_after(world: World, active: Floats) -> Floats:
    """Return the stickiness of attention after plays that were active (1) or passive (0)."""
    return np.where(active > 0, max(world.waking, world.stickiness), world.stickiness)


def absence_shares(world: World) -> Floats:
    """Return the probability of an absence of 1, 2, ... plays; the chain has one state for any length."""
    if not world.short_absence:
        return np.ones(1)
    shares = np.zeros(max(world.short_absence, world.long_absence_to))
    shares[: world.short_absence] += (1 - world.long_absences) / world.short_absence
    long = slice(world.long_absence_from - 1, world.long_absence_to)
    shares[long] += world.long_absences / (world.long_absence_to - world.long_absence_from + 1)
    return shares


def attending(world: World, sessions: int) -> Floats:
    """Return the belief that every listener attends, shape (S, K): what ``advance`` starts a session from.

    With stickiness 0 it leads to a fresh draw, with which a session begins.
    """
    belief_SK = np.zeros((sessions, 1 + len(absence_shares(world))))
    belief_SK[:, 0] = 1.0
    return belief_SK


def advance(world: World, belief_SK: Floats, sticky_S: Floats, share_S: Floats) -> Floats:
    """Return the belief over the states of the next play, shape (S, K), from that over this play's.

    Args:
        world: whose law it is.
        belief_SK: probability of each state.
        sticky_S: stickiness on the way to the next play.
        share_S: s_t of the next play.
    """
    attended_S = belief_SK[:, 0]
    if not world.short_absence:
        next_S = sticky_S * attended_S + (1 - sticky_S) * share_S
        return np.stack([next_S, 1 - next_S], axis=1)
    leaves_S = (1 - sticky_S) * (1 - share_S)
    next_SK: Floats = (attended_S * leaves_S)[:, None] * np.append(0.0, absence_shares(world))
    next_SK[:, :-1] += belief_SK[:, 1:]  # one play less is left; after the last one attention is back
    next_SK[:, 0] += attended_S * (1 - leaves_S)
    return next_SK


def _absences(world: World, share_S: Floats, fresh_S: Floats) -> Ints:
    """Return lengths of absences, from what is left of the uniform draw that said who leaves."""
    rest_S = np.clip((fresh_S - share_S) / (1 - share_S), 0.0, 1.0)
    return 1 + choice(rest_S, absence_shares(world))
