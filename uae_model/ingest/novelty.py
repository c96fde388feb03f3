"""What of a slot is new: each event once, and none that the table holds already.

Most rows are new and come once. So rows are told apart by narrow keys, and only those in doubt are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.ingest.event_files import written_by_tasks
from uae_model.ingest.packed import Doubt, PackedSlot
from uae_model.ingest.resolve import KEY, highest_ranking, outranks
from uae_model.lake.contracts import FEED_SLOT
from uae_model.lake.data_files import DataFile, FileForm
from uae_model.lake.shuffles import in_more_tasks

SENT_TO_ALL = 500_000
"""Keys that are sent to every task rather than shuffled: some 30 MB."""

MANY_REPEATED = 200_000
"""Events that stand more than once in a slot, from which all its rows are ranked: no task is sent so many."""

FEW = 0.1
"""Share of a slot's rows below which a day's own rows are put together, so that they make no small files."""

IDS_OF_A_TASK = 2_000_000
"""Ids that a task counts in memory."""


@dataclass(frozen=True)
class EachOnce:
    """The highest-ranking row of each event of a slot.

    Attributes:
        good: what the slot brings.
        plain: which of its rows come as they are, as ``PackedSlot`` is asked for them; None where none do.
        ranked: the highest-ranking rows of all other events; None where there are none.
        slot: the slot's name.
        columns: of ``events``.
    """

    good: PackedSlot
    plain: Doubt | None
    ranked: DataFrame | None
    slot: str
    columns: list[str]

    @property
    def rows(self) -> DataFrame:
        """The rows, with the columns of ``events``."""
        parts = [] if self.ranked is None else [self.ranked]
        if self.plain is not None:
            parts.append(of_slot(self.good.in_doubt(self.plain, whether=False), self.slot))
        return reduce(DataFrame.unionByName, [part.select(self.columns) for part in parts])

    def write_files(self, form: FileForm) -> list[DataFile]:
        """Write the rows into files, each task those that it has; no commit names them yet."""
        files = []
        if self.ranked is not None:
            files += written_by_tasks(self.ranked, form)
        if self.plain is not None:
            files += self.good.write_files(self.plain, form, {FEED_SLOT: self.slot})
        return files


def repeated_ids(event_ids: DataFrame, count: int) -> DataFrame:
    """Return the event ids that stand more than once.

    Args:
        event_ids: one row an event.
        count: how many there are.
    """
    # Else each task would first look for repetitions among its own ids, of which it cannot hold so many.
    event_ids = in_more_tasks(event_ids, "event_id", count, IDS_OF_A_TASK)
    return event_ids.groupBy("event_id").count().where(F.col("count") > 1).select("event_id")


def each_once(
    good: PackedSlot, repeated: DataFrame, slot: str, columns: list[str], config: Config
) -> EachOnce:
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
        ranked = highest_ranking(of_slot(good.events(), slot), columns, config)
        return EachOnce(good, None, ranked, slot, columns)
    doubt = Doubt(frozenset(ids), frozenset(few_rows(good.days)))
    if not doubt:
        return EachOnce(good, doubt, None, slot, columns)
    ranked = highest_ranking(of_slot(good.in_doubt(doubt), slot), columns, config)
    return EachOnce(good, doubt, ranked, slot, columns)


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
