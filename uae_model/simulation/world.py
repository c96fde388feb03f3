"""The simulated world: every parameter in one frozen object, and the blocks it is generated in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

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


MEAN_ATTENTION = 0.36
ACTIVE_AFTER_ACTIVE = 0.5588
ACTIVE_AFTER_PASSIVE = 0.0488
"""P(a|a) and P(a|p) of the paper's Fig. 2."""

LIMITS: dict[str, tuple[float, float]] = {
    "seed": (0, LARGEST_SEED),
    "days": (1, 3_660),
    "users": (1, 2**31),
    "songs": (1, 2**31),
    "activity": (0.0, 1.0),
    "mean_log_length": (0.0, 7.0),
    "deviation_log_length": (0.0, 3.0),
    "longest_session": (1, 1_000),
    "longest_session_hours": (0.5, 23.4),
    "stickiness": (0.0, LARGEST_STICKINESS),
    "waking": (0.0, LARGEST_STICKINESS),
    "leaving": (0.0, 1.0),
    "context_scale": (0.0, 10.0),
    "hour_scale": (-10.0, 10.0),
    "fading": (-10.0, 10.0),
    "boredom": (0.0, 10.0),
    "short_absence": (0, 100),
    "long_absence_from": (1, 100),
    "long_absence_to": (1, 100),
    "long_absences": (0.0, 1.0),
    "liking_effect": (-10.0, 10.0),
    "relevance_intercept": (-10.0, 10.0),
    "relevance_slope": (-10.0, 10.0),
    "recent_weight": (0.0, 1.0),
    "propensity_deviation": (0.0, 10.0),
    "silent_users": (0.0, 0.99),
    "accidents": (0.0, 0.99),
    "mean_attention": (0.01, 0.99),
    "active_after_active": (0.001, 0.99),
    "active_after_passive": (0.0001, 0.99),
    "accidental_share": (0.0, 0.9),
}
"""Lowest and highest value of each parameter that has bounds."""

OPTIONS_OF_THEIR_OWN = ("seed", "days", "users", "songs", "stickiness")
"""Parameters that ``uae simulate`` has an option for, or that follow from one."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Users, songs and the model of how they listen. Hashable, so that calibrations can be cached.

    Attention is a chain: ``a_t = a_{t-1}`` with probability ``stickiness``, else a fresh draw from
    ``s_t = sigmoid(attention_intercept + context_scale * context_t - boredom * bored_t)``. An attended
    play is active with propensity ``p_t = sigmoid(propensity_intercept + liking_effect * liking +
    history_effect * h_t + user's effect)``, ``h_t`` made of the feedback before; an unattended one is
    active with probability ``accidents``, by default never (Eq. 8 and 9 of the paper).

    The intercepts, the history effect and the accidents of a wanted share are found by ``calibrate``;
    their defaults fit no target.
    """

    seed: int = 7
    first_day: date = date(2026, 1, 5)
    days: int = 9
    users: int = 3_000
    songs: int = 5_000
    activity: float = 0.5
    """Probability that a user listens on a day."""
    mean_log_length: float = 2.5
    deviation_log_length: float = 0.8
    """Mean and deviation of the logarithm of a session's plays."""
    longest_session: int = 70
    longest_session_hours: float = 5.4
    """A session has at most so many plays and hours, and ends with the listening day, at 03:24 UTC."""
    stickiness: float = 0.7
    waking: float = 0.0
    """Stickiness after an active play, where it exceeds ``stickiness``: feedback wakes attention up. No
    estimator assumes such a world."""
    leaving: float = 0.0
    """Probability that an attended play of a song that the listener dislikes ends the session."""
    context_scale: float = 1.0
    hour_scale: float = 1.0
    """Factor of the hour's effect within the context."""
    fading: float = 0.25
    """Fall of the context's logit for each unit of log(1 + position): interest fades along a session."""
    boredom: float = 0.0
    """Fall of attention's logit for each song disliked lately, as a decayed count."""
    short_absence: int = 0
    """Plays of a short absence, at most; 0: attention is the chain, whose dwell times are geometric.

    Otherwise an attended play is followed by an absence where the chain's fresh draw says so. Its length
    is uniform between 1 and ``short_absence`` or, with probability ``long_absences``, between
    ``long_absence_from`` and ``long_absence_to``. The play after an absence is attended."""
    long_absence_from: int = 5
    long_absence_to: int = 20
    long_absences: float = 0.5
    liking_effect: float = 0.8
    """Above 0 liking provokes feedback, below 0 disliking does."""
    relevance_intercept: float = 0.3
    relevance_slope: float = 1.6
    recent_weight: float = 0.25
    """Weight, beside the last play's 1, of the decayed count of active plays before it in ``h_t``."""
    propensity_deviation: float = 0.0
    """Deviation over users of a normal effect on the propensity's logit: some act often, some seldom."""
    silent_users: float = 0.0
    """Share of the users whose propensity is 0."""
    accidents: float = 0.0
    """P(e = 1 | a = 0): accidental feedback, negative whatever the song (a skip by a phone in a pocket)."""
    attention_intercept: float = 0.0
    propensity_intercept: float = 0.0
    history_effect: float = 0.0
    mean_attention: float = MEAN_ATTENTION
    active_after_active: float = ACTIVE_AFTER_ACTIVE
    active_after_passive: float = ACTIVE_AFTER_PASSIVE
    accidental_share: float = 0.0
    """What ``calibrate`` aims at: E[a], P(a|a), P(a|p) and the share of negative feedback that is
    accidental; 0 leaves ``accidents`` as it is."""

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"simulation: {name} = {value}: must lie between {low} and {high}")
        if self.long_absence_from > self.long_absence_to:
            raise InputError(
                f"simulation: long_absence_from = {self.long_absence_from}: must be at most "
                f"long_absence_to = {self.long_absence_to}"
            )

    @property
    def numbers_per_session(self) -> int:
        """Numbers set aside for the plays of a session: a power of two, at least 128."""
        return int(max(128, 1 << (self.longest_session - 1).bit_length()))

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


def parameters_of(settings: Sequence[str]) -> dict[str, Any]:
    """Return the parameters that texts of the form NAME=VALUE set, for ``World(**parameters)``.

    Raises:
        InputError: naming what is no parameter or no number.
    """
    known = [name for name in LIMITS if name not in OPTIONS_OF_THEIR_OWN]
    parameters: dict[str, Any] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in known:
            raise InputError(f"simulation: {name!r} is no parameter of the world; known: {', '.join(known)}")
        kind = type(getattr(World, name))
        try:
            parameters[name] = kind(text)
        except ValueError:
            number = "a whole number" if kind is int else "a number"
            raise InputError(f"simulation: {name} = {text!r}: must be {number}") from None
    return parameters
