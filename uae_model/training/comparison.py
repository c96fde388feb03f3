"""How the candidates of a training compare, and which of them is kept. Imports no torch: reports read it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

CLEARLY = 2.0
"""Standard errors by which a candidate that disregards the declared roles must be better."""


@dataclass(frozen=True)
class Comparison:
    """How one candidate did on the validation plays, in nats per play.

    ``difference`` is its ``nll`` above the best candidate's, ``difference_error`` that difference's
    standard error (the same sessions for both).
    """

    name: str
    estimator: str
    stickiness: float
    nll: float
    nll_error: float
    difference: float
    difference_error: float
    epochs: int
    finalist: bool
    mean_attention: float
    mean_propensity: float
    collapsed: bool


def best_candidate(compared: Sequence[Comparison], disregarding: Collection[str]) -> int:
    """Return the index of the candidate to keep, of candidates in order of their loss.

    That is the first, unless it is one of ``disregarding`` and the best that keeps to the declared roles is
    within two standard errors: roles are knowledge, and without them attention may not be identified.
    """
    if compared[0].name in disregarding:
        for index, comparison in enumerate(compared):
            if comparison.finalist and comparison.name not in disregarding:
                return index if comparison.difference <= CLEARLY * comparison.difference_error else 0
    return 0
