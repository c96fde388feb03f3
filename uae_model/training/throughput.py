"""How fast an epoch's steps are, and how much of their time goes to waiting for data."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from uae_model.models.batch import SessionBatch


@dataclass
class Throughput:
    """What the steps of an epoch took on this rank, in seconds of wall-clock time.

    Attributes:
        sessions: trained on, of all ranks.
        seconds: of all steps, waiting included.
        waited: until the next batch of this rank was there.
    """

    sessions: int = 0
    seconds: float = 0.0
    waited: float = 0.0

    def timed(self, batches: Iterator[SessionBatch]) -> Generator[SessionBatch | None, None, None]:
        """Yield the batches, then None for ever, and time what is done with each and between them."""
        while True:
            began = time.perf_counter()
            batch = next(batches, None)
            there = time.perf_counter()
            self.waited += there - began
            try:
                yield batch
            finally:
                self.seconds += time.perf_counter() - began

    def told(self) -> dict[str, float]:
        """Return what a log line says: sessions a second, and the share of the time that was waited."""
        spent = max(self.seconds, 1e-9)
        return {
            "sessions_per_second": round(self.sessions / spent, 1),
            "data_wait": round(self.waited / spent, 4),
        }
