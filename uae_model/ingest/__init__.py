"""From raw feed rows to events and quarantine."""

from uae_model.ingest.parse import parse_rows
from uae_model.ingest.raw import read_slot
from uae_model.ingest.resolve import highest_ranking, outranks

__all__ = ["highest_ranking", "outranks", "parse_rows", "read_slot"]
