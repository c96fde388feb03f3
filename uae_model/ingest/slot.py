"""The rows of a slot of plays, read and parsed once."""

from __future__ import annotations

from contextlib import AbstractContextManager

from pyspark.sql.pandas.types import from_arrow_schema

from uae_model.ingest.distribute import Stage
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.forgotten import forgotten_digests
from uae_model.ingest.keys import read_key
from uae_model.ingest.packed import PACKED, PackedSlot, Packer, kept_packed
from uae_model.ingest.parse import as_text, event_rules
from uae_model.ingest.raw import is_dataset, plays_layout, read_files, read_slot
from uae_model.ingest.values import completed
from uae_model.lake import TableStore


def packed_slot(store: TableStore, feed: Feed, slot: Slot) -> AbstractContextManager[PackedSlot]:
    """Give what the slot's files bring; plain files are read and parsed by the same task.

    Raises:
        ConfigError: if the key of the pseudonyms cannot be read.
        InputError: if the feed has no column for something that the configuration reads.
    """
    config, spark, listing = store.config, store.spark, feed.files(slot)
    key, forgotten = read_key(config), forgotten_digests(store)
    schema = from_arrow_schema(PACKED)
    if is_dataset(config):
        raw = as_text(completed(read_slot(spark, slot, config, listing)))
        rules = event_rules(config, raw.select("fields.*").columns, slot.day, key, forgotten)
        return kept_packed(raw.mapInArrow(Packer(rules).packed, schema), rules)
    layout = plays_layout(config)
    rules = event_rules(config, layout.columns, slot.day, key, forgotten)
    stage = Stage(Packer(rules).packed, schema)
    return kept_packed(read_files(spark, slot, listing, layout, stage), rules)
