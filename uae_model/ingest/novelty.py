"""What of a slot is new: each event once, and none that the table holds already.

Most rows are new and come once. So rows are told apart by narrow keys, and only those in doubt are compared.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.ingest.packed import PackedSlot
from uae_model.ingest.resolve import KEY, highest_ranking, outranks
from uae_model.lake.contracts import FEED_SLOT

SENT_TO_ALL = 500_000
"""Keys that are sent to every task rather than shuffled: some 30 MB."""

MANY_REPEATED = 200_000
"""Events that stand more than once in a slot, from which all its rows are ranked: no task is sent so many."""

FEW = 0.1
"""Share of a slot's rows below which a day's own rows are put together, so that they make no small files."""


def repeated_ids(event_ids: DataFrame) -> DataFrame:
    """Return the event ids that stand more than once."""
    return event_ids.groupBy("event_id").count().where(F.col("count") > 1).select("event_id")


def each_once(
    good: PackedSlot, repeated: DataFrame, slot: str, columns: list[str], config: Config
) -> DataFrame:
    """Return the highest-ranking row of each event.

    Rows of days on which few fall are put together with those in doubt, so that they make no small files.

    Args:
        good: what a slot brings.
        repeated: the result of ``repeated_ids``.
        slot: the slot's name.
        columns: of ``events``.
        config: whose priorities rank rows of one event.
    """
    ids = [row["event_id"] for row in repeated.limit(MANY_REPEATED).collect()]
    if len(ids) == MANY_REPEATED:
        return highest_ranking(of_slot(good.events(), slot), columns, config)
    few, some = few_rows(good.days), frozenset(ids)
    plain = of_slot(good.in_doubt(some, few, whether=False), slot).select(columns)
    if not some and not few:
        return plain
    return plain.unionByName(highest_ranking(of_slot(good.in_doubt(some, few), slot), columns, config))


def of_slot(events: DataFrame, slot: str) -> DataFrame:
    """Return rows with the slot that brought them."""
    return events.withColumn(FEED_SLOT, F.lit(slot))


def held_already(keys: DataFrame, held: DataFrame, keys_count: int, held_count: int) -> DataFrame:
    """Return the ``KEY`` of events that a slot brings and the table holds.

    Args:
        keys: of the slot.
        held: of the table, on the days that the slot has rows of.
        keys_count: how many the slot has.
        held_count: how many the table has.
    """
    if held_count <= min(keys_count, SENT_TO_ALL):
        return keys.join(F.broadcast(held), list(KEY), "left_semi")
    if keys_count <= SENT_TO_ALL:
        return held.join(F.broadcast(keys), list(KEY), "left_semi")
    return keys.join(held, list(KEY), "left_semi")


def outranking(rows: DataFrame, held: DataFrame, columns: list[str], config: Config) -> DataFrame:
    """Return the rows that rank higher than the table's own row of their event.

    Args:
        rows: of the slot, of events that the table holds.
        held: the table's rows of these events.
        columns: of ``events``.
        config: whose priorities rank rows of one event.
    """
    same = [F.col(f"new.{name}") == F.col(f"old.{name}") for name in KEY]
    higher = F.expr(outranks(columns, config))
    return rows.alias("new").join(held.alias("old"), [*same, higher], "left_semi")


def few_rows(days: dict[date, int]) -> list[date]:
    """Return the days on which few of a slot's rows fall."""
    total = sum(days.values())
    return [day for day, count in days.items() if count < FEW * total]
