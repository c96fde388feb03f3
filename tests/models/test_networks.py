"""Shapes and causality of both networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.training_builders import SHAPE, batch_of, network_pair, small_sessions
from uae_model.models.batch import SessionBatch
from uae_model.models.networks import AttentionNetwork, FeatureEncoder, NetworkShape, PropensityNetwork

STEPS = 6


@pytest.fixture(scope="module")
def batch() -> SessionBatch:
    return batch_of(small_sessions([STEPS] * 3, seed=1))


def outputs(batch: SessionBatch, feedback_BT: Tensor | None = None) -> tuple[Tensor, Tensor]:
    pair = network_pair()
    with torch.no_grad():
        logits_BT, z1_BTH = pair.attention(batch)
        changed = batch if feedback_BT is None else replace(batch, feedback_BT=feedback_BT)
        return logits_BT, pair.propensity(changed, z1_BTH)


def test_shapes(batch: SessionBatch) -> None:
    pair = network_pair()
    logits_BT, z1_BTH = pair.attention(batch)
    assert logits_BT.shape == (3, STEPS)
    assert z1_BTH.shape == (3, STEPS, SHAPE.hidden)
    assert pair.propensity(batch, z1_BTH).shape == (3, STEPS)


@pytest.mark.parametrize("step", range(STEPS))
def test_features_of_a_play_change_nothing_before_it(batch: SessionBatch, step: int) -> None:
    alpha_BT, p_BT = outputs(batch)
    categorical_BTF, numeric_BTF = batch.categorical_BTF.clone(), batch.numeric_BTF.clone()
    categorical_BTF[:, step] = (categorical_BTF[:, step] + 1) % 7
    numeric_BTF[:, step] += 5
    changed = SessionBatch(categorical_BTF, numeric_BTF, batch.feedback_BT, batch.mask_BT)
    alpha_changed_BT, p_changed_BT = outputs(changed)
    torch.testing.assert_close(alpha_changed_BT[:, :step], alpha_BT[:, :step], rtol=0, atol=0)
    torch.testing.assert_close(p_changed_BT[:, :step], p_BT[:, :step], rtol=0, atol=0)
    # ... and reach every later play through the GRU.
    assert (alpha_changed_BT[:, step:] != alpha_BT[:, step:]).all()
    assert (p_changed_BT[:, step:] != p_BT[:, step:]).all()


@pytest.mark.parametrize("step", range(STEPS))
def test_feedback_moves_later_propensities_only(batch: SessionBatch, step: int) -> None:
    alpha_BT, p_BT = outputs(batch)
    feedback_BT = batch.feedback_BT.clone()
    feedback_BT[:, step] = 1 - feedback_BT[:, step]
    alpha_changed_BT, p_changed_BT = outputs(batch, feedback_BT)
    torch.testing.assert_close(alpha_changed_BT, alpha_BT, rtol=0, atol=0)
    torch.testing.assert_close(p_changed_BT[:, : step + 1], p_BT[:, : step + 1], rtol=0, atol=0)
    assert (p_changed_BT[:, step + 1 :] != p_BT[:, step + 1 :]).all()


def test_the_first_step_sees_feedback_zero(batch: SessionBatch) -> None:
    pair = network_pair()
    with torch.no_grad():
        _, z1_BTH = pair.attention(batch)
        active = replace(batch, feedback_BT=torch.ones(3, STEPS))
        first_B = pair.propensity(active, z1_BTH)[:, 0]
        z2_BTH, _ = pair.propensity.get_submodule("gru")(torch.zeros(3, 1, 1))
        by_hand_B = pair.propensity.get_submodule("mlp")(
            torch.cat([z1_BTH[:, 0], z2_BTH[:, 0], torch.zeros(3, 1)], dim=1)
        )[:, 0]
    torch.testing.assert_close(first_B, by_hand_B, rtol=0, atol=1e-6)


def test_the_last_feedback_enters_the_propensity_beside_the_state_too() -> None:
    # Eq. 12 gives MLP2 e_{t-1} itself. With GRU2 silenced it is the only way of the feedback to p.
    pair = network_pair()
    batch = batch_of(small_sessions([STEPS] * 2, seed=3))
    with torch.no_grad():
        for parameter in pair.propensity.get_submodule("gru").parameters():
            parameter.zero_()
        _, z1_BTH = pair.attention(batch)
        silent_BT = pair.propensity(replace(batch, feedback_BT=torch.zeros(2, STEPS)), z1_BTH)
        feedback_BT = torch.zeros(2, STEPS)
        feedback_BT[:, 2] = 1.0
        heard_BT = pair.propensity(replace(batch, feedback_BT=feedback_BT), z1_BTH)
    differs_BT = heard_BT != silent_BT
    assert differs_BT[:, 3].all()
    assert not differs_BT[:, :3].any()
    assert not differs_BT[:, 4:].any()


def test_padding_leaves_real_plays_alone() -> None:
    sessions = small_sessions([2, 5, 3], seed=2)
    short, long = batch_of(sessions), batch_of(sessions, steps=11)
    noise_BT = torch.where(long.mask_BT, long.feedback_BT, torch.ones_like(long.feedback_BT))
    noisy = SessionBatch(
        torch.where(long.mask_BT[..., None], long.categorical_BTF, 3),
        torch.where(long.mask_BT[..., None], long.numeric_BTF, float("nan")),
        noise_BT,
        long.mask_BT,
    )
    for padded in (long, noisy):
        for expected_BT, found_BT in zip(outputs(short), outputs(padded), strict=True):
            torch.testing.assert_close(
                found_BT[padded.mask_BT], expected_BT[short.mask_BT], rtol=0, atol=1e-6
            )
            assert found_BT.isfinite().all()


def test_each_feature_has_embeddings_of_its_own() -> None:
    shape = NetworkShape(buckets=(2, 3), numeric=0, embedding=1, hidden=2, mlp=())
    encoder = FeatureEncoder(shape, [], [])
    with torch.no_grad():
        encoder.table.weight.copy_(torch.arange(7.0).unsqueeze(1))
    bottom_and_top = torch.tensor([[[0, 0], [2, 3]]])
    assert encoder(bottom_and_top, torch.empty(1, 2, 0)).tolist() == [[[0.0, 3.0], [2.0, 6.0]]]
    assert encoder.width == 2


@pytest.mark.parametrize("missing", [float("nan"), float("inf"), float("-inf")])
def test_a_missing_or_infinite_number_is_the_training_mean(missing: float) -> None:
    shape = NetworkShape(buckets=(2,), numeric=2, embedding=1, hidden=2, mlp=())
    encoder = FeatureEncoder(shape, [10.0, -4.0], [2.0, 0.5])
    numbers = torch.tensor([[[14.0, missing], [missing, -4.5]]])
    encoded_BTF = encoder(torch.zeros(1, 2, 1, dtype=torch.int64), numbers)
    assert encoded_BTF[0, :, 1:].tolist() == [[2.0, 0.0], [0.0, -1.0]]


def test_missing_numeric_features_at_all() -> None:
    shape = NetworkShape(buckets=(4,), numeric=0, embedding=2, hidden=3, mlp=(2,))
    categorical_BTF, numeric_BTF = torch.ones(2, 3, 1, dtype=torch.int64), torch.empty(2, 3, 0)
    batch = SessionBatch(categorical_BTF, numeric_BTF, torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool))
    logits_BT, _ = AttentionNetwork(shape, [], [])(batch)
    assert logits_BT.shape == (2, 3)


def test_shape_survives_its_plain_form() -> None:
    import json

    assert NetworkShape.from_dict(SHAPE.to_dict()) == SHAPE
    assert NetworkShape.from_dict(json.loads(json.dumps(SHAPE.to_dict()))) == SHAPE


def test_paper_profile_has_the_papers_sizes(make_config: Any) -> None:
    config = make_config(profile="paper")
    assert config.network.embedding == 8
    assert config.network.mlp == (256, 128, 64)
    assert config.network.hidden in {64, 128, 256}
    assert (config.training.attention_steps, config.training.propensity_steps) == (1, 2)
    assert config.training.batch_plays == 4096
    assert config.training.clip_risk
    assert config.weights.gamma == 15
    shape = NetworkShape(
        buckets=(10,),
        numeric=1,
        embedding=config.network.embedding,
        hidden=config.network.hidden,
        mlp=config.network.mlp,
    )
    attention, propensity = AttentionNetwork(shape, [0.0], [1.0]), PropensityNetwork(shape)
    hidden = config.network.hidden
    assert [layer.weight.shape for layer in attention.mlp if hasattr(layer, "weight")] == [
        (256, hidden),
        (128, 256),
        (64, 128),
        (1, 64),
    ]
    assert [layer.weight.shape for layer in propensity.mlp if hasattr(layer, "weight")] == [
        (256, 2 * hidden + 1),
        (128, 256),
        (64, 128),
        (1, 64),
    ]
    assert attention.gru.input_size == 8 + 1
    assert propensity.gru.input_size == 1
