"""From feedback to e and y: Table I of the paper, or as configured."""

from __future__ import annotations

from pyspark.sql import Column

from uae_model.config import Config


def is_active(feedback: Column, config: Config) -> Column:
    """Return e: whether the feedback proves that the user attended (Table I, column e)."""
    return feedback.isin(list(config.labels.active))


def label(feedback: Column, config: Config) -> Column:
    """Return y as 0 or 1: whether the feedback counts as positive (Table I, column y).

    The label of a passive play is 1 by default and unreliable: that is what the weights are for.
    """
    return feedback.isin(list(config.labels.positive)).cast("int")
