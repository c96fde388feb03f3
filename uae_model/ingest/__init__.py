"""From raw feed rows to events and quarantine."""

from uae_model.ingest.parse import parse_rows
from uae_model.ingest.raw import read_slot
from uae_model.ingest.resolve import distinct_events, outranks

__all__ = ["distinct_events", "outranks", "parse_rows", "read_slot"]
