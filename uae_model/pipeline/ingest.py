"""Ingesting the slots of a day, of plays and of dimensions, as `uae ingest` does."""

from __future__ import annotations

from datetime import date
from typing import Any

from uae_model.core.errors import NotYetError
from uae_model.ingest.feed import Feed
from uae_model.lake import TableStore
from uae_model.pipeline.nightly import ingested, ingested_statements
from uae_model.pipeline.runner import run_steps
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps import ingest_steps
from uae_model.pipeline.steps.dimensions import complete_slots


def ingest_day(store: TableStore, day: date, *, accepts_withdrawn: bool = False) -> dict[str, Any]:
    """Ingest the complete slots of a day; return the counts, those of dimensions where some are declared.

    Slots of plays or of dimensions suffice.

    Args:
        store: the tables.
        day: of the slots.
        accepts_withdrawn: whether a slot that was delivered again may take back any share of its events.

    Raises:
        DeliveryRefusedError: if it would take back more than ``feed.max_withdrawn_share``.
        NotYetError: if neither is there.
    """
    config = store.config
    feed = Feed(store.spark, config)
    slots = [slot for slot in feed.slots(day) if feed.is_complete(slot)]
    delivered = [complete_slots(store, dimension, day, day) for dimension in config.dimensions]
    if not slots and not any(delivered):
        raise NotYetError(
            f"the feed has no complete slot of {day}: looked for {feed.slots(day)[0].path} with its marker "
            f"{config.feed.complete_marker or '(none configured)'}"
        )
    night = Night(store, day, day, slots=slots, reopens=False, accepts_withdrawn=accepts_withdrawn)
    results = run_steps(night, ingest_steps(config))
    dimensions = {"dimensions": ingested_statements(results, config)} if config.dimensions else {}
    return {**ingested(results).to_dict(), **dimensions}
