"""What would become of a day's feed, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from uae_model.core.errors import NotYetError
from uae_model.ingest.check import SlotCheck, check_dimension_slot, check_slot
from uae_model.ingest.feed import Feed
from uae_model.lake import TableStore


def check_day(store: TableStore, day: date) -> Iterator[SlotCheck]:
    """Judge every row of the slots of a day that are there, of plays and of dimensions, as ingest does.

    Raises:
        NotYetError: if none of plays is there.
        InputError: if a file cannot be read or a required column is missing.
    """
    feed = Feed(store.spark, store.config)
    slots = [slot for slot in feed.slots(day) if feed.is_complete(slot)]
    if not slots:
        raise NotYetError(f"the feed has no complete slot of {day}: looked for {feed.slots(day)[0].path}")
    for slot in slots:
        yield check_slot(store.spark, store.config, slot)
    for dimension in store.config.dimensions:
        of_dimension = Feed(store.spark, store.config, dimension)
        for slot in of_dimension.slots(day):
            if of_dimension.is_complete(slot):
                yield check_dimension_slot(store.spark, store.config, slot, dimension)
