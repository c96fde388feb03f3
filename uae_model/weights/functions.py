"""Weight functions: from the attention of a passive play to its weight, of arrays and of Spark columns alike.

An active play weighs 1. ``uae_model.weights.columns`` has the same for Spark, and
``uae_model.weights.resolution`` fills in the numbers that the settings leave to the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from uae_model.models.pair import AttentionKind

Floats = NDArray[np.float64]
Values = TypeVar("Values")
"""An array or a Spark column: both add, multiply and raise to a power element by element."""


@dataclass(frozen=True)
class WeightFunction:
    """A weight function with every number filled in.

    Attributes:
        kind: the attention that it starts from.
        name: linear, power, scaled or constant.
        shift: added to the logit of attention.
        gamma: of power.
        factor: of scaled.
        mean: of constant; of scaled the mean that the factor was found for.
        attention_mean: the known mean that the shift was found for.
    """

    kind: AttentionKind
    name: str
    shift: float = 0.0
    gamma: float = 0.0
    factor: float = 1.0
    mean: float = 0.0
    attention_mean: float | None = None

    def describe(self) -> str:
        """Return the choice as the column ``weighting`` of the weights table records it."""
        parameters = {"power": f", gamma={self.gamma:g}", "scaled": f", mean={self.mean:g}"}
        text = f"{self.name}({self.kind}{parameters.get(self.name, '')})"
        if self.name == "constant":
            text = f"constant({self.mean:g})"
        if self.attention_mean is not None:
            text += f", attention_mean={self.attention_mean:g}"
        return text


@dataclass(frozen=True)
class Operations(Generic[Values]):
    """What arrays and Spark columns each do in their own way.

    Attributes:
        at_most_one: min(1, values).
        constant: a number for every one of the values.
    """

    at_most_one: Callable[[Values], Values]
    constant: Callable[[float, Values], Values]


ARRAYS: Operations[Floats] = Operations(
    at_most_one=lambda values: np.minimum(1.0, values),
    constant=lambda number, values: np.full_like(values, number),
)


def passive_weight_of(attention: Values, function: WeightFunction, do: Operations[Values]) -> Values:
    """Return the weight of passive plays, 0 <= w <= 1: Eq. 19 of the paper or one of its alternatives.

    Linear is the scaled function with the factor 1.

    Args:
        attention: shifted already.
        function: the resolved weight function.
        do: the operations of arrays or of Spark columns.
    """
    value: Any = attention
    weight: Values
    if function.name == "constant":
        return do.constant(function.mean, attention)
    if function.name == "power":
        weight = 1 - (value + 1) ** -function.gamma  # Eq. 19
        return weight
    return do.at_most_one(value * function.factor)


def passive_weights(attention: Floats, function: WeightFunction) -> Floats:
    """Return the weights of passive plays with these shifted attentions."""
    return passive_weight_of(attention, function, ARRAYS)


def shifted_in_odds(attention: Floats, function: WeightFunction) -> Floats:
    """Return attention moved by the function's shift in logits; certain attention (0 or 1) stays certain.

    ``uae_model.weights.columns.shifted_attention`` is the same for Spark.
    """
    if function.shift == 0.0:
        return attention
    with np.errstate(divide="ignore"):
        odds = np.exp(-function.shift) * (1 - attention) / attention
    return np.where((attention > 0) & (attention < 1), 1 / (1 + odds), attention)


def shifted(attention: Floats, shift: float) -> Floats:
    """Return attention moved in logits; certain attention (0 or 1) stays certain.

    ``shifted_in_odds``, which scoring uses, differs from this by rounding: weights that are published already
    stay what they are.
    """
    with np.errstate(divide="ignore"):
        moved: Floats = 1 / (1 + np.exp(-(np.log(attention) - np.log1p(-attention) + shift)))
    return moved
