"""The ceiling: attention by the simulator's own parameters, from all feedback of a session."""

from __future__ import annotations

import numpy as np

from benchmarks.estimators.simulated import Array, SimulatedPlays
from uae_model.simulation.attention import absence_shares, advance, attending, stickiness_after
from uae_model.simulation.world import World


def oracle_attention(world: World, plays: SimulatedPlays) -> Array:
    """Return P(a_t = 1 | all feedback of the session) of every play, shape (plays,).

    Forward-backward over the states of ``uae_model.simulation.attention`` (K of them: absences of a length
    of their own have a state for each play that is left), with the true s_t and p_t of every play and the
    world's accidents and waking. So it knows what no estimator knows: boredom, and each user's propensity.
    """
    position_N = plays.position_N
    session_N = np.repeat(np.arange(len(plays.lengths_S)), plays.lengths_S)
    shape = len(plays.lengths_S), int(plays.lengths_S.max())

    def padded(values_N: Array) -> Array:
        values_ST = np.zeros(shape)
        values_ST[session_N, position_N] = values_N
        return values_ST

    share_ST, propensity_ST = padded(plays.share_N), padded(plays.propensity_N)
    active_ST = padded(plays.feedback_N) > 0
    sticky_ST = stickiness_after(world, active_ST.astype(float))  # towards the next play
    likelihood_STK = _likelihood(world, propensity_ST, active_ST, padded(np.ones(plays.plays)) > 0)

    filtered_STK = np.zeros(likelihood_STK.shape)
    belief_SK, stay_S = attending(world, shape[0]), np.zeros(shape[0])
    for step in range(shape[1]):
        predicted_SK = advance(world, belief_SK, stay_S, share_ST[:, step])
        belief_SK = _normalised(predicted_SK * likelihood_STK[:, step])
        filtered_STK[:, step], stay_S = belief_SK, sticky_ST[:, step]

    smoothed_ST = filtered_STK[:, :, 0].copy()
    later_SK = np.ones(belief_SK.shape)  # P(later feedback | state), up to a common factor
    for step in range(shape[1] - 2, -1, -1):
        next_SK = likelihood_STK[:, step + 1] * later_SK
        ways_SKK = _transitions(world, sticky_ST[:, step], share_ST[:, step + 1])
        later_SK = _normalised(np.einsum("sjk,sk->sj", ways_SKK, next_SK))
        smoothed_ST[:, step] = _normalised(filtered_STK[:, step] * later_SK)[:, 0]
    attention_N: Array = smoothed_ST[session_N, position_N]
    return attention_N


def _likelihood(world: World, propensity_ST: Array, active_ST: Array, real_ST: Array) -> Array:
    """Return P(e_t | state), shape (S, T, K). Padding says nothing: 1 for every state."""
    likelihood_STK = np.ones((*real_ST.shape, 1 + len(absence_shares(world))))
    likelihood_STK[:, :, 0] = np.where(active_ST, propensity_ST, 1 - propensity_ST)
    likelihood_STK[:, :, 1:] = np.where(active_ST, world.accidents, 1 - world.accidents)[:, :, None]
    likelihood_STK[~real_ST] = 1.0
    return likelihood_STK


def _transitions(world: World, stay_S: Array, share_S: Array) -> Array:
    """Return P(next state | state), shape (S, K, K): where the law leads from each state alone."""
    states = 1 + len(absence_shares(world))
    rows = [
        advance(world, np.broadcast_to(unit_K, (len(stay_S), states)), stay_S, share_S)
        for unit_K in np.eye(states)
    ]
    return np.stack(rows, axis=1)


def _normalised(weight_SK: Array) -> Array:
    normalised_SK: Array = weight_SK / weight_SK.sum(axis=1, keepdims=True)
    return normalised_SK
