"""The loop: the loss of Eq. 18, early stopping, the same random draws twice."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from uae_model.core.errors import ModelError
from uae_model.recommenders.fields import FieldSpace
from uae_model.recommenders.models import Recommender, build_recommender
from uae_model.recommenders.samples import Samples
from uae_model.recommenders.training import FitSettings, fit, predict, weighted_loss

SPACE = FieldSpace(("song",), (4,), ())
SETTINGS = FitSettings(epochs=30, patience=30, batch_size=64, learning_rate=0.05, weight_decay=0.0, seed=1)


def samples_of(*rows: tuple[int, float, float], repeat: int = 1) -> Samples:
    """Return plays (song, label, weight), each so many times."""
    song, label, weight = (torch.tensor(column).repeat(repeat) for column in zip(*rows, strict=True))
    return Samples(song[:, None], label.float(), weight.float())


class Table(nn.Module):
    """Predicts one learned probability a song."""

    def __init__(self) -> None:
        super().__init__()
        self.logit = nn.Embedding(4, 1)
        nn.init.zeros_(self.logit.weight)

    def forward(self, columns: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.sigmoid(self.logit(columns["song"]).squeeze(1))


def table() -> Recommender:
    return Recommender(Table(), ("song",))


def test_the_loss_is_the_mean_of_weight_times_log_loss() -> None:
    # Untrained, every probability is 1/2: a play costs w log 2; the sum is divided by plays, not weights.
    samples = samples_of((1, 1.0, 1.0), (2, 0.0, 0.5), (3, 1.0, 0.0))
    assert weighted_loss(table(), samples) == pytest.approx(1.5 / 3 * math.log(2))


def test_training_finds_the_weighted_share_of_positive_labels() -> None:
    # Song 1: three positives of weight 0.1, a negative of weight 1: 0.3 / 1.3. Song 2, unweighted: 3/4.
    samples = samples_of(*[(1, 1.0, 0.1)] * 3, (1, 0.0, 1.0), *[(2, 1.0, 1.0)] * 3, (2, 0.0, 1.0), repeat=8)
    model = table()
    fit(model, samples, samples, dataclasses.replace(SETTINGS, epochs=300, patience=300))
    found_N = predict(model, torch.tensor([[1], [2]]))
    assert found_N.tolist() == pytest.approx([0.3 / 1.3, 0.75], abs=0.01)


def test_training_stops_and_goes_back_to_the_best_epoch() -> None:
    train = samples_of((1, 1.0, 1.0), (2, 0.0, 1.0), repeat=32)
    against = samples_of((1, 0.0, 1.0), (2, 1.0, 1.0), repeat=32)  # each step makes it worse
    model = table()
    done = fit(model, train, against, dataclasses.replace(SETTINGS, patience=2))
    assert done.best_epoch == 0
    assert len(done.history) == 3
    losses = [epoch["validation_loss"] for epoch in done.history]
    assert losses == sorted(losses)
    assert weighted_loss(model, against) == pytest.approx(losses[0])


def test_what_is_watched_stands_in_the_history() -> None:
    train = samples_of((1, 1.0, 1.0), (2, 0.0, 1.0), repeat=32)
    done = fit(table(), train, train, dataclasses.replace(SETTINGS, epochs=2), lambda model: {"songs": 4.0})
    assert [epoch["songs"] for epoch in done.history] == [4.0, 4.0]


def test_a_loss_that_is_no_number_is_an_error() -> None:
    samples = samples_of((1, 1.0, float("nan")))
    with pytest.raises(ModelError, match="lower the learning rate"):
        fit(table(), samples, samples, SETTINGS)


def test_the_same_seed_gives_the_same_model() -> None:
    samples = samples_of((1, 1.0, 1.0), (2, 0.0, 0.3), (3, 1.0, 0.2), repeat=50)

    def trained(seed: int) -> list[float]:
        torch.manual_seed(seed)
        model = build_recommender("DCN", SPACE, 2, (4,))
        fit(model, samples, samples, dataclasses.replace(SETTINGS, epochs=2, seed=seed))
        probabilities: list[float] = predict(model, torch.tensor([[1], [2], [3]])).tolist()
        return probabilities

    assert trained(1) == trained(1)
    assert trained(1) != trained(2)


@given(count=st.integers(1, 50), size=st.integers(2, 20), shuffled=st.booleans())
def test_an_epoch_has_every_play_once_and_no_batch_of_one(count: int, size: int, shuffled: bool) -> None:
    samples = Samples(torch.arange(count)[:, None], torch.zeros(count), torch.ones(count))
    generator = torch.Generator().manual_seed(3) if shuffled else None
    batches = list(samples.batches(size, generator))
    seen = torch.cat([batch.fields_NF[:, 0] for batch in batches]).tolist()
    assert sorted(seen) == list(range(count))
    assert all(len(batch) > 1 for batch in batches) or count == 1
    assert all(len(batch) <= size + 1 for batch in batches)
