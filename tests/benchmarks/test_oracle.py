"""The oracle of every kind of world, against all paths of attention through tiny sessions."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby, product
from math import prod
from typing import Any

import numpy as np
import pytest

from benchmarks.estimators.oracle import oracle_attention
from benchmarks.estimators.simulated import SimulatedPlays
from uae_model.simulation.world import World

CHAIN = World(stickiness=0.6)
DWELLING = World(
    stickiness=0.3, short_absence=2, long_absence_from=3, long_absence_to=4, long_absences=0.4, users=10
)
LENGTHS = (6, 1, 4, 5)

Path = tuple[int, ...]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def tiny_sessions(seed: int, *, accidents: bool) -> SimulatedPlays:
    """Sessions with shares and propensities of their own in every play, some users silent."""
    rng = np.random.default_rng(seed)
    plays = sum(LENGTHS)
    propensity_N = rng.uniform(0.05, 0.9, plays)
    feedback_N = (rng.random(plays) < 0.4).astype(np.float32)
    silent = slice(7, 11)
    propensity_N[silent] = 0.0
    if not accidents:
        feedback_N[silent] = 0.0
    return SimulatedPlays(
        lengths_S=np.array(LENGTHS),
        categorical_NF=np.zeros((plays, 1)),
        numeric_NF=np.zeros((plays, 1)),
        feedback_N=feedback_N,
        attended_N=np.zeros(plays, bool),
        share_N=rng.uniform(0.1, 0.9, plays),
        propensity_N=propensity_N,
    )


def chain_prior(world: World, path: Path, share_T: Floats, feedback_T: Floats) -> float:
    """P(path) of the sticky chain, whose stickiness may rise after an active play."""
    chance = share_T[0] if path[0] else 1 - share_T[0]
    for step in range(1, len(path)):
        sticky = world.stickiness
        if feedback_T[step - 1]:
            sticky = max(sticky, world.waking)
        fresh = share_T[step] if path[step] else 1 - share_T[step]
        chance *= (1 - sticky) * fresh + sticky * (path[step] == path[step - 1])
    return float(chance)


def dwelling_prior(world: World, path: Path, share_T: Floats) -> float:
    """P(path) by its runs: each absence has a length, and the last one may go on behind the session."""
    lasts = {1: 0.3, 2: 0.3, 3: 0.2, 4: 0.2}  # 1-2 with 0.6 and 3-4 with 0.4, each uniform
    chance, step, before = 1.0, 0, None
    for attended, run in groupby(path):
        length = len(list(run))
        for inside in range(length):
            sticky = 0.0 if step == 0 else world.stickiness
            stays = sticky + (1 - sticky) * share_T[step]
            if attended and before != 0:
                chance *= stays
            elif not attended and inside == 0:
                chance *= 1 - stays
            before = attended
            step += 1
        if not attended:
            over = step < len(path)
            chance *= sum(
                share for plays, share in lasts.items() if plays == length or not (over or plays < length)
            )
    return float(chance)


def by_brute_force(world: World, plays: SimulatedPlays) -> Floats:
    """P(a_t = 1 | all feedback of the session), summed over every path of attention."""
    parts = []
    for stop, length in zip(np.cumsum(plays.lengths_S), plays.lengths_S, strict=True):
        rows = slice(stop - length, stop)
        share_T, propensity_T, feedback_T = (
            plays.share_N[rows],
            plays.propensity_N[rows],
            plays.feedback_N[rows],
        )
        total, attended_T = 0.0, np.zeros(length)
        for path in product((0, 1), repeat=int(length)):
            acts = [p if a else world.accidents for a, p in zip(path, propensity_T, strict=True)]
            emitted = prod(act if e else 1 - act for act, e in zip(acts, feedback_T, strict=True))
            prior = (
                dwelling_prior(world, path, share_T)
                if world.short_absence
                else chain_prior(world, path, share_T, feedback_T)
            )
            total += prior * emitted
            attended_T += prior * emitted * np.array(path)
        parts.append(attended_T / total)
    return np.concatenate(parts)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "world",
    [
        CHAIN,
        replace(CHAIN, stickiness=0.0),
        replace(CHAIN, stickiness=0.2, waking=0.9),
        replace(CHAIN, accidents=0.15),
        DWELLING,
        replace(DWELLING, accidents=0.15),
    ],
    ids=["sticky", "independent", "waking", "accidental", "absences", "accidental absences"],
)
def test_the_oracle_sums_over_all_paths(world: World, seed: int) -> None:
    plays = tiny_sessions(seed, accidents=world.accidents > 0)
    np.testing.assert_allclose(oracle_attention(world, plays), by_brute_force(world, plays), atol=1e-12)


def test_paths_have_probabilities_that_add_up() -> None:
    share_T = np.array([0.3, 0.6, 0.2, 0.8, 0.5])
    paths = list(product((0, 1), repeat=5))
    assert sum(dwelling_prior(DWELLING, path, share_T) for path in paths) == pytest.approx(1.0)
    assert dwelling_prior(DWELLING, (0, 0, 0, 0, 0), share_T) == 0.0  # no absence lasts five plays
    assert sum(chain_prior(CHAIN, path, share_T, np.zeros(5)) for path in paths) == pytest.approx(1.0)
