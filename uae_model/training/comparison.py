"""How the candidates of a training compare, and which of them is kept. Imports no torch: reports read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

CLEARLY = 2.0
"""Standard errors by which a candidate that disregards the declared roles must be better."""

LIKELY = 1.0
"""Standard errors by which a candidate with accidental feedback must be better than those without it."""


@dataclass(frozen=True)
class Comparison:
    """How one candidate did on the validation plays, in nats per play.

    ``difference`` is its ``nll`` above the best candidate's, ``difference_error`` that difference's
    standard error (the same sessions for both). A ``diagnostic`` candidate is never kept: it tells whether
    the declared roles look wrong.
    """

    name: str
    estimator: str
    stickiness: float
    accidental: float
    nll: float
    nll_error: float
    difference: float
    difference_error: float
    epochs: int
    mean_attention: float
    mean_propensity: float
    collapsed: bool
    disregards_roles: bool = False
    diagnostic: bool = False

    @classmethod
    def recorded(cls, content: Mapping[str, Any]) -> Comparison:
        """Rebuild what a training recorded; one of an earlier release may lack fields or have others."""
        known = {field.name for field in fields(cls)}
        return cls(**{"accidental": 0.0, **{name: value for name, value in content.items() if name in known}})


def best_candidate(compared: Sequence[Comparison]) -> int:
    """Return the index of the candidate to keep, of candidates in order of their loss.

    That is the first, unless it assumes more than the best of those that assume less and is not better
    than that one by as many standard errors as the assumption asks: accidental feedback one, to give up
    the declared roles two (roles are knowledge, and without them attention may not be identified).
    """
    eligible = [index for index, comparison in enumerate(compared) if not comparison.diagnostic]
    chosen = eligible[0]
    for assumption, errors in (("disregards_roles", CLEARLY), ("accidental", LIKELY)):
        simpler = [index for index in eligible if not getattr(compared[index], assumption)]
        if chosen not in simpler and simpler and not _worse(compared[simpler[0]], compared[chosen], errors):
            chosen = simpler[0]
    return chosen


def _worse(one: Comparison, other: Comparison, errors: float) -> bool:
    """Tell whether one is worse than another, the best of all, by more than these standard errors."""
    return one.difference - other.difference > errors * one.difference_error
