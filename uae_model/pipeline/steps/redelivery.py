"""What ``events`` shall hold once a slot has been delivered again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.novelty import of_slot
from uae_model.ingest.parse import needed_columns
from uae_model.ingest.redelivery import WITHDRAWN, not_brought_again, require_few, restated_events
from uae_model.ingest.reports import check_reports, kept
from uae_model.ingest.slot import packed_slot
from uae_model.lake.contracts import FEED_SLOT
from uae_model.pipeline.step import Night


@dataclass(frozen=True)
class Delivery:
    """What a slot brings.

    Attributes:
        rows: one row an event; where ``is_again``, with the marks of ``ingest.redelivery``.
        days: of ``events`` that they fall into.
        is_again: whether rows replace or take out what the slot brought before.
        counts: what was taken back, and what now has the row of another slot.
    """

    rows: DataFrame
    days: Sequence[date]
    is_again: bool = False
    counts: dict[str, int] = field(default_factory=dict)


@contextmanager
def delivered_again(
    night: Night,
    feed: Feed,
    slot: Slot,
    brought: Delivery,
    slots_of: Callable[[date], Sequence[Slot]],
) -> Iterator[Delivery]:
    """Return what a slot brings that has been ingested before, and what it takes back.

    Args:
        night: whose tables hold what it brought before.
        feed: that it is a part of.
        slot: the slot.
        brought: its rows now.
        slots_of: the other slots, ingested before, that may hold events of a day.

    Raises:
        DeliveryRefusedError: if more than ``feed.max_withdrawn_share`` of its events would be taken back.
        InputError: if another slot that may hold these events cannot be read.
    """
    store, config = night.store, night.config
    columns = store.contract("events").columns
    own = store.read_or_empty("events", None if slot.day is None else brought.days)
    before = own.where(F.col(FEED_SLOT) == slot.name)
    with ExitStack() as stack:
        lost = stack.enter_context(kept(not_brought_again(before, brought.rows, columns, config)))
        days = sorted(row["dt"] for row in lost.select("dt").distinct().collect())
        if not days:
            yield brought
            return
        others = sorted({other for day in days for other in slots_of(day)}, key=lambda other: other.name)
        of_others = [stack.enter_context(_rows_of(night, feed, other)) for other in others]
        rows = stack.enter_context(kept(restated_events(lost, brought.rows, of_others, columns, config)))
        withdrawn = rows.where(WITHDRAWN).count()
        if not night.accepts_withdrawn:
            remedy = f"uae ingest --date {slot.day or night.first} --accept-withdrawn"
            require_few(slot.name, withdrawn, before.count(), config.feed.max_withdrawn_share, remedy)
        restored = rows.where(~F.col(WITHDRAWN) & (F.col(FEED_SLOT) != slot.name)).count()
        counts = {"withdrawn": withdrawn, "restored": restored}
        yield Delivery(rows, sorted({*brought.days, *days}), is_again=True, counts=counts)


@contextmanager
def _rows_of(night: Night, feed: Feed, slot: Slot) -> Iterator[DataFrame]:
    """Give the good rows of another slot."""
    config = night.config
    with packed_slot(night.store, feed, slot) as brought:
        check_reports(slot.name, brought.reports, needed_columns(config), accept_empty=True)
        yield of_slot(brought.events(), slot.name)
