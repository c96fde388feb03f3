"""Plays as they stand in the tables, as the networks read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from uae_model.config import FeatureSet
from uae_model.core.errors import ContractError, InputError
from uae_model.features.arrays import bucket_of
from uae_model.registry.served_plays import served_plays

FEATURES = FeatureSet.of_plain(
    [
        {"name": "user", "kind": "categorical", "role": "both", "source": "event.user_id", "buckets": 50},
        {"name": "hour_of_day", "kind": "categorical", "role": "context", "source": "session.hour_of_day"},
        {"name": "gap_seconds", "kind": "numeric", "role": "context", "source": "session.gap_seconds"},
        {"name": "plays", "kind": "numeric", "role": "preference", "transform": "log1p"},
    ]
)


def plays(**changes: Any) -> pd.DataFrame:
    """Return session b with its two plays in reverse, and the only play of session a between them."""
    columns = {
        "session_id": ["b", "a", "b"],
        "position": [2, 1, 1],
        "user_id": ["u1", None, "u1"],
        "hour_of_day": [23, 8, 22],
        "gap_seconds": [30.0, 0.0, None],
        "plays": [0, None, -1],
        "is_active": [False, True, True],
    }
    return pd.DataFrame({**columns, **changes})


def test_sessions_stand_one_after_another_and_answers_where_their_rows_stood() -> None:
    served = served_plays(plays(), FEATURES)
    assert served.lengths.tolist() == [2, 1]  # b, which comes first, then a
    assert served.feedback.tolist() == [1, 0, 1]
    user = bucket_of("u1", 50)
    hours = [bucket_of(hour, 1000) for hour in (22, 23, 8)]
    assert served.categorical.tolist() == [[user, hours[0]], [user, hours[1]], [0, hours[2]]]
    np.testing.assert_allclose(
        served.numeric, np.array([[np.nan, -np.log(2)], [30, 0], [0, np.nan]]), rtol=1e-6
    )
    assert served.by_row(np.array([0.1, 0.2, 0.3])) == [0.2, 0.3, 0.1]


@pytest.mark.parametrize(
    "hours", [[23, None, 22], [23.0, float("nan"), 22.0], pd.array([23, None, 22], dtype="Int64")]
)
def test_whole_numbers_keep_their_bucket_beside_a_missing_value(hours: Any) -> None:
    served = served_plays(plays(hour_of_day=hours), FEATURES)
    assert served.categorical[:, 1].tolist() == [bucket_of(22, 1000), bucket_of(23, 1000), 0]


@pytest.mark.parametrize("kind", [list, np.array])
def test_a_row_of_arrays_is_a_session(kind: Any) -> None:
    ordered = plays().sort_values(["session_id", "position"], ascending=[False, True])
    sessions = ordered.drop(columns="position").groupby("session_id", sort=False).agg(list).map(kind)
    by_play, by_session = served_plays(plays(), FEATURES), served_plays(sessions, FEATURES)
    for name in ("categorical", "numeric", "feedback", "lengths"):
        np.testing.assert_array_equal(getattr(by_session, name), getattr(by_play, name))
    assert list(by_session.by_row(np.array([0.1, 0.2, 0.3]))) == [[0.1, 0.2], [0.3]]


def test_features_may_share_a_column_or_be_of_one_kind() -> None:
    shared = FeatureSet([FEATURES[0], FEATURES[0].model_copy(update={"name": "owner", "buckets": 7})])
    served = served_plays(plays(), shared)
    assert served.categorical[0].tolist() == [bucket_of("u1", 50), bucket_of("u1", 7)]
    assert served.numeric.shape == (3, 0)


@pytest.mark.parametrize("positions", [[3, 1, 1], [1, 1, 1], [2, 2, 1]])
def test_a_session_that_is_not_whole_is_refused(positions: list[int]) -> None:
    with pytest.raises(ContractError, match=r"the plays to score: .* give whole sessions, each play once"):
        served_plays(plays(position=positions), FEATURES)


def test_what_is_neither_plays_nor_sessions_is_refused() -> None:
    with pytest.raises(InputError, match="rows of plays need position beside the features; or give a row"):
        served_plays(plays().drop(columns="position"), FEATURES)
    sessions = plays().groupby("session_id").agg(list)
    sessions["plays"] = [[1], [1]]
    with pytest.raises(InputError, match="column plays: its arrays are not as long as those of is_active"):
        served_plays(sessions, FEATURES)
