"""The line of a step's cost, and the figures of its tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.night.__main__ import Line, claims, lines_of, table
from benchmarks.night.tasks import figures_of_steps


def test_a_line_tells_what_any_night_costs_and_what_a_play_more_does() -> None:
    line = Line.through([1_000_000, 3_000_000], [30.0, 50.0])
    assert line.fixed == pytest.approx(20.0)
    assert line.marginal == pytest.approx(1e-5)
    assert line.error is None  # any two points lie on a line


def test_of_three_nights_the_line_has_an_error() -> None:
    exact = Line.through([1, 2, 3], [1.0, 2.0, 3.0])
    bent = Line.through([1, 2, 3], [1.0, 2.0, 4.0])
    assert exact.error == pytest.approx(0.0)
    # Residuals 1/6, -1/3, 1/6: their squares add up to 1/6, the spread of the sizes to 2.
    assert bent.error == pytest.approx((1 / 12) ** 0.5)


def night(plays: int, seconds: float) -> dict[str, Any]:
    steps = [
        {
            **dict.fromkeys(("bytes_read", "bytes_written", "bytes_shuffled", "bytes_spilled"), 2_000_000),
            **{"step": name, "seconds": seconds, "cpu_seconds": seconds, "peak_bytes": 3e9},
        }
        for name in ("feed", "plays", "scores", "publications", "report", "models")
    ]
    return {"plays": plays, "steps": steps}


def test_the_second_night_counts_and_steps_without_a_cost_of_their_own_are_left_out() -> None:
    results = [
        {"nights": [night(1_000_000, 99.0), night(1_000_000, 20.0)]},
        {"nights": [night(2_000_000, 99.0), night(2_000_000, 31.0)]},
    ]
    lines = lines_of(results)
    assert set(lines) == {"feed", "plays", "scores", "publications", "report"}
    (claim,) = claims(lines)
    assert (claim.measured, claim.holds) == ("44.0 µs", False)
    assert "| ingest | 9 s | 11.0 µs | 31 s | 64,516 | 3.0 GB | 2 | 2 | 2 | 2 |" in table(results, lines)


def test_a_task_belongs_to_the_step_in_which_it_ended(tmp_path: Path) -> None:
    def ended(second: float, read: int) -> str:
        metrics = {"Input Metrics": {"Bytes Read": read}, "Executor CPU Time": 5}
        info = {"Finish Time": second * 1000}
        return json.dumps({"Event": "SparkListenerTaskEnd", "Task Info": info, "Task Metrics": metrics})

    log = tmp_path / "eventlog_v2_app" / "events_1_app"
    log.parent.mkdir()
    log.write_text("\n".join([ended(1, 10), ended(2.5, 100), ended(9, 1000), '{"Event": "other"}']))
    steps = [{"began": 0, "ended": 2}, {"began": 2, "ended": 3}]
    first, second = figures_of_steps(tmp_path, steps)
    assert (first["bytes_read"], second["bytes_read"]) == (10, 100)
    assert (first["task_cpu_nanoseconds"], first["bytes_spilled"]) == (5, 0)
