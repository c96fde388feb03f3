"""The places of plays in their sessions, checked: 1, 2, 3, ... without a gap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from uae_model.core.errors import ContractError


def session_lengths(
    position_N: NDArray[Any],
    session_N: NDArray[Any],
    where: str,
    remedy: str = "run uae sessions for the day again",
) -> NDArray[np.int64]:
    """Return the lengths of sessions that stand one after another, by their positions 1, 2, .., 1, 2, ...

    Args:
        position_N: place of the play in its session, from 1.
        session_N: any number that differs between neighbouring sessions.
        where: the plays come from, for the error.
        remedy: what to do, for the error.

    Raises:
        ContractError: if a position is missing or doubled; a gap would shift what a play's score sees.
    """
    starts = np.flatnonzero(np.append(True, session_N[1:] != session_N[:-1])[: len(session_N)])
    lengths = np.diff(np.append(starts, len(position_N)))
    if not np.array_equal(position_N, np.arange(len(position_N)) - np.repeat(starts, lengths) + 1):
        raise ContractError(f"{where}: the positions of a session are not 1, 2, 3, ...; {remedy}")
    return lengths.astype(np.int64)
