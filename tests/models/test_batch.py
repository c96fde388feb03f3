"""The shared batch type."""

from __future__ import annotations

import torch

from tests.training_builders import batch_of, small_sessions
from uae_model.models.batch import length_mask


def test_mask_marks_the_first_steps_of_each_session() -> None:
    mask_BT = length_mask(torch.tensor([0, 1, 3]), 3)
    assert mask_BT.tolist() == [[False] * 3, [True, False, False], [True] * 3]


def test_counts_leave_padding_out() -> None:
    batch = batch_of(small_sessions([2, 5, 1]), steps=9)
    assert batch.sessions == 3
    assert batch.plays == 8


def test_moving_to_a_device_moves_every_tensor() -> None:
    batch = batch_of(small_sessions([2, 3]))
    assert batch.to(torch.device("cpu")) is batch
    moved = batch.to(torch.device("meta"))
    tensors = (moved.categorical_BTF, moved.numeric_BTF, moved.feedback_BT, moved.mask_BT)
    assert [tensor.device.type for tensor in tensors] == ["meta"] * 4
    assert moved.sessions == 2
