"""What would become of a day's feed, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from uae_model.core.errors import ConfigError, NotYetError
from uae_model.ingest.check import SlotCheck, check_dimension_slot, check_slot
from uae_model.ingest.feed import Feed
from uae_model.ingest.keys import read_key
from uae_model.ingest.known_key import require_known_key
from uae_model.lake import TableStore


def check_day(store: TableStore, day: date, *, shows_values: bool = False) -> Iterator[SlotCheck]:
    """Judge every row of the slots of a day that are there, of plays and of dimensions, as ingest does.

    No key is needed; one that is there is compared with that of the tables.

    Args:
        store: with the settings; no table is written.
        day: of the slots.
        shows_values: whether a value that shows each kind of fault is told, which may be the id of a user.

    Raises:
        ConfigError: if ingest would be refused, since the tables hold pseudonyms of another key.
        NotYetError: if none of plays is there.
        InputError: if a file cannot be read or a required column is missing.
    """
    try:
        key = read_key(store.config)
    except ConfigError:
        key = None  # ingest will say so; nothing here is a pseudonym
    if key is not None:
        require_known_key(store, key)
    feed = Feed(store.spark, store.config)
    slots = [slot for slot in feed.slots(day) if feed.is_complete(slot)]
    if not slots:
        raise NotYetError(f"the feed has no complete slot of {day}: looked for {feed.slots(day)[0].path}")
    for slot in slots:
        yield _told(check_slot(store.spark, store.config, slot), shows_values)
    for dimension in store.config.dimensions:
        of_dimension = Feed(store.spark, store.config, dimension)
        for slot in of_dimension.slots(day):
            if of_dimension.is_complete(slot):
                seen = check_dimension_slot(store.spark, store.config, slot, dimension)
                yield _told(seen, shows_values)


def _told(seen: SlotCheck, shows_values: bool) -> SlotCheck:
    return seen if shows_values else replace(seen, examples={})
