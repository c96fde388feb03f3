"""The lengths of sessions from the positions of their plays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uae_model.core.errors import ContractError
from uae_model.sessions.positions import session_lengths

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=30)


def positions_of(lengths: list[int]) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.concatenate([np.arange(1, length + 1, dtype=np.int32) for length in lengths])


def sessions_of(lengths: list[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.repeat(np.random.default_rng(7).permutation(len(lengths)) - 3, lengths)


def lengths_of(position_N: Any, session_N: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    return session_lengths(position_N, session_N, "table plays")


@given(LENGTHS)
def test_lengths_are_found(lengths: list[int]) -> None:
    assert lengths_of(positions_of(lengths), sessions_of(lengths)).tolist() == lengths


@given(LENGTHS, st.data())
def test_a_lost_play_is_noticed_unless_it_was_the_last(lengths: list[int], data: Any) -> None:
    positions, sessions = positions_of(lengths), sessions_of(lengths)
    lost = data.draw(st.integers(0, len(positions) - 1))
    was_last = lost + 1 == len(positions) or positions[lost + 1] == 1
    remaining = np.delete(positions, lost), np.delete(sessions, lost)
    if was_last:
        assert lengths_of(*remaining).sum() == len(positions) - 1
    else:
        with pytest.raises(ContractError, match="run uae sessions for the day again"):
            lengths_of(*remaining)


@given(LENGTHS, st.data())
def test_a_doubled_play_is_noticed(lengths: list[int], data: Any) -> None:
    positions, sessions = positions_of(lengths), sessions_of(lengths)
    doubled = data.draw(st.integers(0, len(positions) - 1))
    with pytest.raises(ContractError, match=r"table plays: .* not 1, 2, 3"):
        lengths_of(
            np.insert(positions, doubled, positions[doubled]),
            np.insert(sessions, doubled, sessions[doubled]),
        )


def test_two_sessions_that_would_read_as_one_are_noticed() -> None:
    # The second lost its first two plays, and its third goes on where the first ends.
    with pytest.raises(ContractError, match=r"table plays: .* not 1, 2, 3"):
        lengths_of(np.array([1, 2, 3, 4], np.int32), np.array([8, 8, 9, 9]))
