"""The ceiling: attention by the simulator's own parameters, from all feedback of a session."""

from __future__ import annotations

import numpy as np

from benchmarks.estimators.simulated import Array, SimulatedPlays
from uae_model.simulation.listening import stickiness_after
from uae_model.simulation.world import World


def oracle_attention(world: World, plays: SimulatedPlays) -> Array:
    """Return P(a_t = 1 | all feedback of the session) of every play, shape (plays,).

    Forward-backward with the true s_t and p_t; the stickiness may depend on the feedback before (a world
    with ``waking``), which ``uae_model.models.attention_chain`` does not model.
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
    # P(e_t | a_t): an unattended play is never active. Padding says nothing: likelihood 1 for both states.
    real_ST = padded(np.ones(plays.plays)) > 0
    attended_ST = np.where(real_ST, np.where(active_ST, propensity_ST, 1 - propensity_ST), 1.0)
    unattended_ST = np.where(real_ST & active_ST, 0.0, 1.0)
    sticky_ST = stickiness_after(world, active_ST.astype(float))  # towards the next play

    filtered_ST = np.zeros(shape)
    predicted_S = share_ST[:, 0]
    for step in range(shape[1]):
        if step:
            stay_S = sticky_ST[:, step - 1]
            predicted_S = stay_S * filtered_ST[:, step - 1] + (1 - stay_S) * share_ST[:, step]
        yes_S, no_S = predicted_S * attended_ST[:, step], (1 - predicted_S) * unattended_ST[:, step]
        filtered_ST[:, step] = yes_S / (yes_S + no_S)

    smoothed_ST = filtered_ST.copy()
    later_yes_S = later_no_S = np.ones(shape[0])  # P(later feedback | a_t), up to a common factor
    for step in range(shape[1] - 2, -1, -1):
        stay_S, fresh_S = sticky_ST[:, step], share_ST[:, step + 1]
        next_yes_S = attended_ST[:, step + 1] * later_yes_S
        next_no_S = unattended_ST[:, step + 1] * later_no_S
        renewed_S = (1 - stay_S) * (fresh_S * next_yes_S + (1 - fresh_S) * next_no_S)
        later_yes_S, later_no_S = stay_S * next_yes_S + renewed_S, stay_S * next_no_S + renewed_S
        scale_S = later_yes_S + later_no_S
        later_yes_S, later_no_S = later_yes_S / scale_S, later_no_S / scale_S
        yes_S = filtered_ST[:, step] * later_yes_S
        smoothed_ST[:, step] = yes_S / (yes_S + (1 - filtered_ST[:, step]) * later_no_S)
    attention_N: Array = smoothed_ST[session_N, position_N]
    return attention_N
