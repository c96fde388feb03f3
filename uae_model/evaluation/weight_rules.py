"""The rules that an evaluation compares, by name: whose attention, through which weight function.

A rule's name is what ``evaluation.weightings`` holds: ``none``, ``constant:0.1``, ``uae:linear``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uae_model.config.estimators import AUTO, CATALOGUE, PAPER_NAMES
from uae_model.config.evaluation import CHAMPION, TRUTH
from uae_model.config.weight_sections import WeightSettings
from uae_model.core.errors import InputError
from uae_model.weights.functions import Floats, WeightFunction, passive_weights
from uae_model.weights.resolution import factor_for_mean

FIXED = ("none", "active_only", "constant")
"""Weightings that no attention is needed for (of ``constant`` only where its mean is given)."""

TITLES = {
    "none": "base",
    "constant": "constant",
    "active_only": "active plays only",
    AUTO: "auto",
    CHAMPION: "the champion",
    TRUTH: "true attention",
    **{entry.name: entry.title for entry in CATALOGUE},
}

FACTOR_TOLERANCE = 1e-9
"""Tolerance of the logarithm of the factor of ``scaled``; stored results were computed with it."""


@dataclass(frozen=True)
class WeightRule:
    """A weighting, read from its name.

    Attributes:
        name: as configured, such as ``uae`` or ``auto:power:5``.
        source: ``none``, ``active_only``, ``constant``, an estimator, ``champion`` or ``truth``.
        function: of attention: linear, power, scaled or constant.
        number: gamma of power, mean of scaled and constant; None: the mean that others' weights have.
    """

    name: str
    source: str
    function: str
    number: float | None = None

    def estimator(self, of_constant: str = AUTO) -> str | None:
        """Return whose attention is needed, if anybody's.

        Args:
            of_constant: the source whose mean ``constant`` has where it names none.
        """
        if self.source == "constant" and self.number is None:
            return of_constant
        return None if self.source in (*FIXED, TRUTH) else self.source

    @property
    def title(self) -> str:
        """What tables call it."""
        _, _, function = self.name.partition(":")
        return TITLES[self.source] + (f", {function.replace(':', ' ')}" if function else "")


def parse_rule(name: str, settings: WeightSettings) -> WeightRule:
    """Read a weighting's name.

    Without a function of its own, a paper's estimator takes Eq. 19 with ``weights.gamma``, ``truth`` the
    attention as it is, and chain, joint, auto and champion the configured function: what they would be
    published with (linear where it is chosen on data, since no choice is known of an estimator that is
    trained here).
    """
    source, *rest = name.split(":")
    if source == "constant":
        return WeightRule(name, source, "constant", float(rest[0]) if rest else None)
    if rest:
        return WeightRule(name, source, rest[0], float(rest[1]) if len(rest) > 1 else None)
    if source in PAPER_NAMES:
        return WeightRule(name, source, "power", settings.gamma)
    if source in (*FIXED, TRUTH):
        return WeightRule(name, source, "linear")
    numbers = {"power": settings.gamma, "scaled": settings.mean, "constant": settings.mean}
    function = "linear" if settings.function == "auto" else settings.function
    return WeightRule(name, source, function, numbers.get(function))


def weigh(rule: WeightRule, attention_N: Floats, passive_N: NDArray[np.bool_]) -> Floats:
    """Return the weights of all plays as if each were passive.

    Args:
        rule: with a number, where its function has one.
        attention_N: of the rule's source.
        passive_N: the passive training plays, by which ``scaled`` finds its factor.
    """
    number = rule.number or 0.0
    factor = _factor(attention_N[passive_N], number) if rule.function == "scaled" else 1.0
    function = WeightFunction("smoothed", rule.function, gamma=number, factor=factor, mean=number)
    return passive_weights(attention_N, function)


def _factor(attention_N: Floats, mean: float) -> float:
    """Return the factor at which min(1, factor * attention) has this mean.

    Raises:
        InputError: if so few plays have any attention that no factor reaches the mean.
    """
    if (attention_N > 0).mean() <= mean:
        raise InputError(f"weighting scaled:{mean:g}: no more than that share of passive plays has attention")
    return factor_for_mean(mean, attention_N, np.ones(len(attention_N)), FACTOR_TOLERANCE)
