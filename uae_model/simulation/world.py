"""The simulated world: every parameter in one frozen object, and the blocks it is generated in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from uae_model.core.errors import InputError

USERS_PER_BLOCK = 2_500
"""Users whose plays of one day are generated together: a few tens of thousands of plays."""

PLAYS_PER_LISTENING_DAY = 20.7
"""Plays of a user on a day on which the user listens, on average; a test compares."""

LARGEST_STICKINESS = 0.95
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True, order=True)
class Block:
    """The sessions that ``USERS_PER_BLOCK`` users start on one day; ``day`` 0 is the first."""

    day: int
    index: int


@dataclass(frozen=True, kw_only=True)
class World:
    """Users, songs and the model of how they listen. Hashable, so that calibrations can be cached.

    Attention is a chain: ``a_t = a_{t-1}`` with probability ``stickiness``, else a fresh draw from
    ``s_t = sigmoid(attention_intercept + context_scale * context_t)``. An attended play is active with
    propensity ``p_t = sigmoid(propensity_intercept + liking_effect * liking + history_effect * h_t)``,
    ``h_t`` made of the feedback before; an unattended one never is (Eq. 8 and 9 of the paper).

    The intercepts and the history effect are found by ``calibrate``; their defaults fit no target.
    """

    seed: int = 7
    first_day: date = date(2026, 1, 5)
    days: int = 9
    users: int = 3_000
    songs: int = 5_000
    activity: float = 0.5
    """Probability that a user listens on a day."""
    stickiness: float = 0.7
    waking: float = 0.0
    """Stickiness after an active play, where it exceeds ``stickiness``: feedback wakes attention up. No
    estimator assumes such a world."""
    leaving: float = 0.0
    """Probability that an attended play of a song that the listener dislikes ends the session."""
    context_scale: float = 1.0
    liking_effect: float = 0.8
    relevance_intercept: float = 0.3
    relevance_slope: float = 1.6
    recent_weight: float = 0.25
    """Weight, beside the last play's 1, of the decayed count of active plays before it in ``h_t``."""
    attention_intercept: float = 0.0
    propensity_intercept: float = 0.0
    history_effect: float = 0.0

    def __post_init__(self) -> None:
        limits = {
            "seed": (0, LARGEST_SEED),
            "days": (1, 3_660),
            "users": (1, 2**31),
            "songs": (1, 2**31),
            "activity": (0.0, 1.0),
            "stickiness": (0.0, LARGEST_STICKINESS),
            "waking": (0.0, LARGEST_STICKINESS),
            "leaving": (0.0, 1.0),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"simulation: {name} = {value}: must lie between {low} and {high}")

    @property
    def artists(self) -> int:
        """Number of artists: one for each twenty songs."""
        return max(1, self.songs // 20)

    @property
    def blocks_per_day(self) -> int:
        """Number of blocks that hold all users."""
        return -(-self.users // USERS_PER_BLOCK)

    def block(self, number: int) -> Block:
        """Return the block of a running number, days first."""
        day, index = divmod(number, self.blocks_per_day)
        return Block(day, index)

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks, day by day."""
        for number in range(self.days * self.blocks_per_day):
            yield self.block(number)
