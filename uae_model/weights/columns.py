"""From attention to sample weights, as Spark columns."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from uae_model.weights.resolution import Weighting


def shifted_attention(attention: Column, weighting: Weighting) -> Column:
    """Return attention moved by the weighting's shift in logits; certain attention (0 or 1) stays so."""
    if weighting.shift == 0.0:
        return attention
    odds = F.exp(F.lit(-weighting.shift)) * (1 - attention) / attention
    return F.when((attention > 0) & (attention < 1), 1 / (1 + odds)).otherwise(attention)


def passive_weight(attention: Column, weighting: Weighting) -> Column:
    """Return the weight of a passive play, 0 <= w <= 1: Eq. 19 or one of its alternatives.

    Args:
        attention: shifted already.
        weighting: the resolved weight function.
    """
    if weighting.function == "constant":
        return F.lit(weighting.mean)
    if weighting.function == "power":
        return 1 - F.pow(attention + 1, F.lit(-weighting.gamma))
    return F.least(F.lit(1.0), F.lit(weighting.factor) * attention)


def sample_weight(attention: Column, is_active: Column, weighting: Weighting) -> Column:
    """Return the weight in the recommender's loss (Eq. 18): 1 for an active play, w for a passive one."""
    return F.when(is_active, F.lit(1.0)).otherwise(passive_weight(attention, weighting))
