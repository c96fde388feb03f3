"""The rows of a slot of plays, read and parsed once."""

from __future__ import annotations

from contextlib import AbstractContextManager

from pyspark.sql import DataFrame

from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.forgotten import forgotten_digests
from uae_model.ingest.keys import read_key
from uae_model.ingest.parse import parse_rows
from uae_model.ingest.raw import read_slot
from uae_model.ingest.reports import read_once
from uae_model.lake import TableStore


def parsed_slot(store: TableStore, feed: Feed, slot: Slot) -> AbstractContextManager[DataFrame]:
    """Give the result of ``parse_rows`` for the slot's files, and what their readers report.

    Raises:
        ConfigError: if the key of the pseudonyms cannot be read.
    """
    config = store.config
    raw = read_slot(store.spark, slot, config, feed.files(slot))
    return read_once(parse_rows(raw, config, slot.day, read_key(config), forgotten_digests(store)))
