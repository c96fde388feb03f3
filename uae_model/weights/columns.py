"""From attention to sample weights, as Spark columns."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from uae_model.weights.functions import Operations, WeightFunction, passive_weight_of

COLUMNS: Operations[Column] = Operations(
    at_most_one=lambda values: F.least(F.lit(1.0), values),
    constant=lambda number, values: F.lit(number),
)


def shifted_attention(attention: Column, function: WeightFunction) -> Column:
    """Return attention moved by the function's shift in logits; certain attention (0 or 1) stays so."""
    if function.shift == 0.0:
        return attention
    odds = F.exp(F.lit(-function.shift)) * (1 - attention) / attention
    return F.when((attention > 0) & (attention < 1), 1 / (1 + odds)).otherwise(attention)


def passive_weight(attention: Column, function: WeightFunction) -> Column:
    """Return the weight of a passive play with this shifted attention, 0 <= w <= 1."""
    return passive_weight_of(attention, function, COLUMNS)


def sample_weight(attention: Column, is_active: Column, function: WeightFunction) -> Column:
    """Return the weight in the recommender's loss (Eq. 18): 1 for an active play, w for a passive one."""
    return F.when(is_active, F.lit(1.0)).otherwise(passive_weight(attention, function))
