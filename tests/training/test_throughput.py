"""The share of a training's time that is waited for data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from uae_model.training.throughput import Throughput


def test_waiting_is_told_apart_from_training(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def slow(batches: int) -> Iterator[Any]:
        for number in range(batches):
            now[0] += 1.0  # the reader's time
            yield number

    measured = Throughput()
    seen: list[Any] = []
    with closing(measured.timed(slow(3))) as timed:
        for batch in timed:
            seen.append(batch)
            if batch is None:
                break
            now[0] += 3.0  # the step's time
            measured.sessions += 8
    assert seen == [0, 1, 2, None]
    assert (measured.seconds, measured.waited) == (12.0, 3.0)
    assert measured.told() == {"sessions_per_second": 2.0, "data_wait": 0.25}


def test_nothing_trained_is_no_error() -> None:
    assert Throughput().told() == {"sessions_per_second": 0.0, "data_wait": 0.0}
