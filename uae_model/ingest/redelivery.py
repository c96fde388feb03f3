"""A slot that is delivered again: what it brought before and does not bring any more, or brings otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.errors import DeliveryRefusedError
from uae_model.ingest.resolve import KEY, highest_ranking, outranks

RESTATED, WITHDRAWN = "restated", "withdrawn"
"""Marks of a row: it replaces the slot's own earlier one whatever its rank; it is to be taken out."""


def not_brought_again(before: DataFrame, rows: DataFrame, columns: list[str], config: Config) -> DataFrame:
    """Return the rows of events that a slot brought before and brings no more, or in a row that ranks lower.

    A row that ranks higher is higher than those of all other slots, too: it needs no look at them.

    Args:
        before: the slot's rows in ``events``.
        rows: what the slot brings now, one row an event.
        columns: of both.
        config: whose priorities rank rows of one event.
    """
    old, new = (F.struct(*[F.col(f"{side}.{name}") for name in columns]) for side in ("old", "new"))
    same_event = [F.col(f"old.{name}") == F.col(f"new.{name}") for name in KEY]
    holds = old.eqNullSafe(new) | F.expr(outranks(columns, config))
    return before.alias("old").join(rows.alias("new"), [*same_event, holds], "left_anti")


def restated_events(
    lost: DataFrame, rows: DataFrame, of_others: Sequence[DataFrame], columns: list[str], config: Config
) -> DataFrame:
    """Return the rows that a redelivery changes, marked, and those that it brings anew.

    An event that another slot brought too stays, with the row of that one; an event that no slot brings any
    more is marked to be taken out.

    Args:
        lost: the result of ``not_brought_again``.
        rows: what the slot brings now, one row an event.
        of_others: rows of other slots.
        columns: of ``events``.
        config: whose priorities rank rows of one event.

    Returns:
        The columns and the marks, one row an event and day.
    """
    ids = lost.select(*KEY)
    everything = rows
    for other in of_others:
        everything = everything.unionByName(other.join(ids, list(KEY), "left_semi").select(*columns))
    best = highest_ranking(everything, columns, config)
    changed = best.join(ids.withColumn(RESTATED, F.lit(True)), list(KEY), "left").select(
        *columns, F.coalesce(RESTATED, F.lit(False)).alias(RESTATED), F.lit(False).alias(WITHDRAWN)
    )
    gone = lost.join(best, list(KEY), "left_anti").select(
        *columns, F.lit(True).alias(RESTATED), F.lit(True).alias(WITHDRAWN)
    )
    return changed.unionByName(gone)


def require_few(slot: str, withdrawn: int, before: int, limit: float, remedy: str) -> None:
    """Raise DeliveryRefusedError where a redelivery takes back more than a share of what a slot brought.

    Args:
        slot: its name.
        withdrawn: events that no slot brings any more.
        before: events of the slot in the table.
        limit: feed.max_withdrawn_share.
        remedy: how to take them back all the same.
    """
    if withdrawn > limit * before:
        raise DeliveryRefusedError(
            f"feed slot {slot} was delivered again without {withdrawn} of the {before} events that it "
            f"brought before ({withdrawn / before:.1%}, feed.max_withdrawn_share = {limit}); nothing was "
            f"changed: deliver it whole, or take them back: {remedy}"
        )
