"""Features as embedding indices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from uae_model.config import Feature
from uae_model.recommenders.fields import NUMERIC_BINS, FieldSpace

FEATURES = [
    Feature(name="gap", kind="numeric", role="context"),
    Feature(name="song", kind="categorical", role="preference", buckets=9),
    Feature(name="constant", kind="numeric", role="context"),
]


def numbers(*columns: Sequence[float]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array(columns, np.float32).T


def test_categorical_fields_come_first_and_keep_their_buckets() -> None:
    space = FieldSpace.fit(FEATURES, numbers([1, 2, 3, 4], [5, 5, 5, 5]))
    assert space.names == ("song", "gap", "constant")
    assert space.sizes[0] == 10
    fields_NF = space.encode(np.array([[0], [9]]), numbers([1, 4], [5, 5]))
    assert fields_NF[:, 0].tolist() == [0, 9]


def test_bins_hold_equal_shares_and_order_is_kept() -> None:
    values = list(range(3200))
    space = FieldSpace.fit(FEATURES, numbers(values, [0.0] * 3200))
    fields_NF = space.encode(np.zeros((3200, 1), np.int64), numbers(values, [0.0] * 3200))
    gap_N = fields_NF[:, 1].numpy()
    assert (np.diff(gap_N) >= 0).all()
    assert np.bincount(gap_N)[1:].tolist() == [100] * NUMERIC_BINS
    assert space.sizes[1] == NUMERIC_BINS + 1


def test_fields_without_gaps_tell_the_same_plays_apart() -> None:
    space = FieldSpace.fit(FEATURES, numbers([1, 2, 3, 4], [5, 5, 5, 5]))
    fields_NF = space.encode(np.array([[9], [2], [9], [0]]), numbers([1, 4, 1, 4], [5, 5, 5, 5]))
    smaller, indexed_NF = space.without_gaps(fields_NF)
    assert smaller.sizes == (3, 2, 1)
    assert smaller.names == space.names
    assert indexed_NF.tolist() == [[2, 0, 0], [1, 1, 0], [2, 0, 0], [0, 1, 0]]


def test_missing_new_and_extreme_numbers_have_an_index() -> None:
    space = FieldSpace.fit(FEATURES, numbers([1, 2, 3, float("nan")], [5, 5, 5, 5]))
    fields_NF = space.encode(
        np.zeros((4, 1), np.int64), numbers([float("nan"), -1e9, 1e9, float("inf")], [5, 5, 6, float("nan")])
    )
    assert fields_NF[0, 1] == 0
    assert fields_NF[1, 1] == 1
    assert fields_NF[2, 1] == fields_NF[3, 1] == space.sizes[1] - 1
    assert (fields_NF >= 0).all()
    assert (fields_NF.numpy() < np.array(space.sizes)).all()


def test_a_feature_that_is_always_missing_has_one_bin_beside_missing() -> None:
    space = FieldSpace.fit(FEATURES, numbers([float("nan")] * 2, [1, 2]))
    assert space.sizes[1] == 2
    assert space.encode(np.zeros((1, 1), np.int64), numbers([3.0], [1.0]))[0, 1] == 1
