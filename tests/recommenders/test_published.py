"""Samples from the published weights: the same plays and weights that Petastorm's loader yields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from uae_model.config import Feature
from uae_model.readers.torch import WeightedBatch
from uae_model.recommenders import published as module
from uae_model.recommenders.published import published_samples

FEATURES = [
    Feature(name="gap", kind="numeric", role="context"),
    Feature(name="song", kind="categorical", role="preference", buckets=9),
]


def batch(songs: list[int], gaps: list[float], label: list[float], weight: list[float]) -> WeightedBatch:
    return WeightedBatch(
        {"song": torch.tensor(songs), "gap": torch.tensor(gaps)}, torch.tensor(label), torch.tensor(weight)
    )


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []

    def batches(*days: Any, features: Any) -> Iterator[WeightedBatch]:
        calls.append(days)
        yield batch([1, 2], [1.0, 2.0], [1.0, 0.0], [0.25, 1.0])
        yield batch([9], [float("nan")], [1.0], [0.5])

    monkeypatch.setattr(module, "weighted_batches", batches)
    return calls


def test_all_batches_are_joined_in_order(asked: list[tuple[Any, ...]]) -> None:
    space, samples = published_samples("tables", "2026-01-05", "2026-01-06", features=FEATURES)
    assert asked == [("tables", "2026-01-05", "2026-01-06")]
    assert space.names == ("song", "gap")
    assert samples.fields_NF[:, 0].tolist() == [1, 2, 9]
    assert samples.fields_NF[2, 1] == 0  # missing
    assert samples.label_N.tolist() == [1.0, 0.0, 1.0]
    assert samples.weight_N.tolist() == [0.25, 1.0, 0.5]


def test_other_days_use_the_fields_of_the_training_days() -> None:
    space, _ = published_samples("tables", "2026-01-05", features=FEATURES)
    again, samples = published_samples("tables", "2026-01-06", features=FEATURES, space=space)
    assert again is space
    assert len(samples) == 3


def test_features_without_numbers_will_do() -> None:
    space, samples = published_samples("tables", "2026-01-05", features=FEATURES[1:])
    assert space.names == ("song",)
    assert np.array_equal(samples.fields_NF, [[1], [2], [9]])
