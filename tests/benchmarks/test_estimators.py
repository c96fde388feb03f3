"""The ground that the estimators' benchmark stands on: its oracle, its snapshot, its claims."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.estimators.claims import BoundedClaim
from benchmarks.estimators.oracle import oracle_attention
from benchmarks.estimators.simulated import SimulatedPlays, simulate_plays, write_simulated_snapshot
from benchmarks.estimators.trials import auc_of, expected_calibration_error
from benchmarks.estimators.worlds import third_of_roles_wrong
from uae_model.config import load_config
from uae_model.models.attention_chain import ChainLaw, forward_filter, smooth
from uae_model.models.batch import length_mask
from uae_model.models.process_group import ProcessGroup
from uae_model.simulation.world import World
from uae_model.snapshot.loader import session_batches
from uae_model.training.job import network_shape

WORLD = World(users=40, songs=200, days=2, attention_intercept=-0.6, propensity_intercept=-1.0)


@pytest.fixture(scope="module")
def plays() -> SimulatedPlays:
    return simulate_plays(WORLD, range(2), load_config(None))


def _padded(plays: SimulatedPlays, values_N: np.ndarray[Any, Any]) -> torch.Tensor:
    padded = torch.full((len(plays.lengths_S), int(plays.lengths_S.max())), 0.5, dtype=torch.float64)
    session_N = np.repeat(np.arange(len(plays.lengths_S)), plays.lengths_S)
    padded[session_N, plays.position_N] = torch.from_numpy(values_N.astype(np.float64))
    return padded


def test_the_oracle_is_the_smoother_of_the_chain_with_the_true_parameters(plays: SimulatedPlays) -> None:
    share_BT, propensity_BT = (
        _padded(plays, values).logit() for values in (plays.share_N, plays.propensity_N)
    )
    feedback_BT = _padded(plays, plays.feedback_N)
    mask_BT = length_mask(torch.from_numpy(plays.lengths_S), feedback_BT.shape[1])
    feedback_BT[~mask_BT] = 0.0
    law = ChainLaw(WORLD.stickiness)
    filtered = forward_filter(share_BT, propensity_BT, feedback_BT, law)
    chain_BT = smooth(share_BT, propensity_BT, feedback_BT, mask_BT, law, filtered)
    np.testing.assert_allclose(oracle_attention(WORLD, plays), chain_BT[mask_BT].numpy(), atol=1e-9)


def test_the_oracle_of_a_waking_world_is_calibrated_where_the_plain_chain_is_not() -> None:
    world = replace(WORLD, users=1_500, stickiness=0.2, waking=0.95)
    plays = simulate_plays(world, range(2), load_config(None))
    passive_N = plays.feedback_N == 0
    attended_N = plays.attended_N[passive_N]

    def error(assumed: World) -> float:
        return expected_calibration_error(oracle_attention(assumed, plays)[passive_N], attended_N)

    assert error(world) < 0.015
    assert error(replace(world, waking=0.0)) > error(world) + 0.01


def test_a_simulated_snapshot_is_read_whole_by_the_training_loader(
    plays: SimulatedPlays, tmp_path: Path
) -> None:
    config = load_config(None)
    manifest = write_simulated_snapshot(tmp_path / "snapshot", plays, plays, config)
    shape = network_shape(manifest, config.network, config.training)
    batches = list(session_batches(manifest, manifest.train, shape, ProcessGroup(), batch_plays=512, seed=1))
    assert sum(batch.plays for batch in batches) == plays.plays == manifest.train.plays
    seen = np.concatenate([batch.numeric_BTF[batch.mask_BT].numpy() for batch in batches])
    np.testing.assert_array_equal(np.sort(seen, axis=0), np.sort(plays.numeric_NF, axis=0))
    active = sum(float(batch.feedback_BT.sum()) for batch in batches)
    assert active == plays.feedback_N.sum()


def test_a_third_of_the_roles_is_turned_round_and_the_same_third_for_a_seed() -> None:
    features = load_config(None).features
    changed = third_of_roles_wrong(features, 3)
    wrong = [new.role != old.role for new, old in zip(changed, features, strict=True)]
    assert sum(wrong) == len(features) // 3
    assert changed == third_of_roles_wrong(features, 3)


def test_auc_counts_ties_half() -> None:
    assert auc_of(np.array([0.1, 0.5, 0.5, 0.9]), np.array([0, 0, 1, 1])) == pytest.approx(3.5 / 4)


def test_a_claim_says_whether_it_holds() -> None:
    assert BoundedClaim("a", 0.8, 0.78).holds
    assert not BoundedClaim("a", 0.8, 0.78, at_most=True).holds
    assert BoundedClaim("cost", 2.6, 2.5, at_most=True).line() == "FAILS: cost: 2.600 <= 2.5"
