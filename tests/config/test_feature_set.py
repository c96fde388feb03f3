"""Features together: kinds, order, roles, and plain values and back."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from uae_model.config import FeatureSet, load_config

PLAIN: list[dict[str, Any]] = [
    {"name": "genre", "kind": "categorical", "buckets": 20, "role": "context"},
    {"name": "pause", "kind": "numeric", "role": "preference"},
    {"name": "song", "kind": "categorical", "buckets": 50, "role": "preference", "source": "event.song_id"},
    {"name": "tempo", "kind": "numeric", "role": "both"},
    {
        "name": "plays",
        "role": "both",
        "aggregate": {"entity": "song", "function": "count", "windows": [1, 7]},
    },
]
FEATURES = FeatureSet.of_plain(PLAIN)


def test_an_aggregate_of_several_windows_is_a_feature_for_each() -> None:
    assert FEATURES.names == ("genre", "pause", "song", "tempo", "plays_1d", "plays_7d")
    assert [feature.aggregate.window for feature in FEATURES[4:] if feature.aggregate] == [1, 7]


def test_the_kinds_keep_the_order_of_the_declaration() -> None:
    assert [feature.name for feature in FEATURES.categorical] == ["genre", "song"]
    assert [feature.name for feature in FEATURES.numeric] == ["pause", "tempo", "plays_1d", "plays_7d"]
    assert FEATURES.buckets == (20, 50)


def test_a_role_sees_its_own_columns_and_those_of_both() -> None:
    assert FEATURES.seen_by("context") == ((0,), (1, 2, 3))
    assert FEATURES.seen_by("preference") == ((1,), (0, 1, 2, 3))


def test_parts_by_where_the_value_comes_from() -> None:
    assert FEATURES.of_origin("event").names == ("song",)
    assert FEATURES.of_origin("feed").names == ("genre", "pause", "tempo")
    assert FEATURES.joined.names == ("plays_1d", "plays_7d")


def test_plain_values_and_copies_give_the_same_features() -> None:
    assert FeatureSet.of_plain(FEATURES.to_plain()) == FEATURES
    pickled = pickle.loads(pickle.dumps(FEATURES))  # noqa: S301 - our own
    for copied in (pickled, copy.deepcopy(FEATURES)):
        assert copied == FEATURES
        assert isinstance(copied, FeatureSet)


def test_a_feature_that_cannot_be_declared_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        FeatureSet.of_plain([{"name": "genre", "kind": "picture", "role": "both"}])


def test_a_configuration_has_one_and_can_be_given_another() -> None:
    config = load_config(None)
    fewer = config.with_features(config.features.categorical)
    assert isinstance(config.features, FeatureSet)
    assert fewer.features == config.features.categorical
    assert fewer.features.numeric == ()
    assert len(config.features.numeric) > 0  # the first one is as it was
