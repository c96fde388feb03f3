"""The interval for the mean of attention: against a chain whose mean is known."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.training_builders import SHAPE, on_ranks
from uae_model.models.batch import SessionBatch
from uae_model.models.pair import NetworkPair, Traits
from uae_model.models.process_group import ProcessGroup, joined_process_group
from uae_model.training.mean_attention import mean_attention_interval

RHO, STEPS = 0.6, 12


class FromFeatures(nn.Module):
    """Gives one numeric feature back as logits, shifted and stretched: a network that has learned that."""

    def __init__(self, feature: int, shift: float = 0.0, spread: float = 1.0) -> None:
        super().__init__()
        self.feature, self.shift, self.spread = feature, shift, spread

    def forward(self, batch: SessionBatch, state_BTH: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        logits_BT = self.shift + self.spread * batch.numeric_BTF[..., self.feature]
        return (logits_BT, batch.numeric_BTF) if state_BTH is None else logits_BT


def pair(shift: float = 0.0, spread: float = 1.0) -> NetworkPair:
    """Return a pair that knows the truth but for this change of attention's logits."""
    traits = Traits("chain", RHO, "smoothed")
    return NetworkPair(SHAPE, FromFeatures(0, shift, spread), FromFeatures(1), traits)


def sessions(count: int, seed: int) -> tuple[SessionBatch, float]:
    """Return sessions of the chain whose logits are their features, and their share of attended plays."""
    random = np.random.default_rng(seed)
    features = np.stack(
        [random.normal(-0.6, 1.5, (count, STEPS)), random.normal(-0.8, 1.2, (count, STEPS))], axis=-1
    )
    share, propensity = 1 / (1 + np.exp(-features[..., 0])), 1 / (1 + np.exp(-features[..., 1]))
    attended = random.random((count, STEPS)) < share
    for t in range(1, STEPS):
        stays = random.random(count) < RHO
        attended[:, t] = np.where(stays, attended[:, t - 1], attended[:, t])
    active = attended & (random.random((count, STEPS)) < propensity)
    mask_BT = torch.ones(count, STEPS, dtype=torch.bool)
    batch = SessionBatch(
        torch.zeros(count, STEPS, 0, dtype=torch.int64),
        torch.from_numpy(features.astype(np.float32)),
        torch.from_numpy(active.astype(np.float32)),
        mask_BT,
    )
    return batch, float(attended.mean())


def test_where_no_loss_is_a_number_there_is_no_interval() -> None:
    batch, _ = sessions(3, seed=1)
    _, low, high = mean_attention_interval(pair(spread=math.nan), [batch], ProcessGroup())
    assert math.isnan(low)
    assert math.isnan(high)


def test_the_interval_holds_the_true_mean_and_narrows_with_more_plays() -> None:
    widths = []
    for count in (200, 2_000):
        batch, truth = sessions(count, seed=count)
        mean, low, high = mean_attention_interval(pair(), [batch], ProcessGroup())
        assert low <= mean <= high
        assert low < truth < high
        widths.append(high - low)
    assert widths[0] > 2 * widths[1]
    assert widths[1] < 0.15


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_attention_that_is_off_is_put_right_by_the_profile(shift: float) -> None:
    batch, truth = sessions(2_000, seed=5)
    mean, low, high = mean_attention_interval(pair(shift, spread=0.7), [batch], ProcessGroup())
    assert low < truth < high
    assert not low <= mean <= high
    assert abs(mean - truth) > 0.05


def test_plays_beyond_the_first_thirty_thousand_are_read_and_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("uae_model.training.mean_attention.PROFILE_PLAYS", 1_000)
    first, _ = sessions(100, seed=1)
    more, _ = sessions(300, seed=2)
    read = []

    def batches() -> Iterator[SessionBatch]:
        for batch in (first, more):
            yield batch
            read.append(batch)

    alone = mean_attention_interval(pair(), [first], ProcessGroup())
    assert mean_attention_interval(pair(), batches(), ProcessGroup()) == alone
    assert len(read) == 2


def interval_of_this_rank() -> tuple[float, float, float]:
    with joined_process_group() as group:
        batch, _ = sessions(400, seed=3)
        share = slice(group.rank * 250, 250 + group.rank * 150)  # 250 sessions and 150
        part = SessionBatch(
            *(
                tensor[share]
                for tensor in (batch.categorical_BTF, batch.numeric_BTF, batch.feedback_BT, batch.mask_BT)
            )
        )
        return mean_attention_interval(pair(), [part], group)


@pytest.mark.slow
def test_two_ranks_find_the_interval_of_one() -> None:
    batch, _ = sessions(400, seed=3)
    alone = mean_attention_interval(pair(), [batch], ProcessGroup())
    (results,) = on_ranks([(interval_of_this_rank, ())])
    first, second = results
    assert first == second == pytest.approx(alone, abs=1e-6)
