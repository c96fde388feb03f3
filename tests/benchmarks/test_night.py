"""The line of a step's cost, and the figures of its tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import month
from benchmarks.night.capacity import capacity_table
from benchmarks.night.lines import Line, claims, counted_night, figure, lines_of, sizes_table, table
from benchmarks.night.tasks import figures_of_steps


def test_a_line_tells_what_any_night_costs_and_what_a_play_more_does() -> None:
    line = Line.through([1_000_000, 3_000_000], [30.0, 50.0])
    assert line.fixed == pytest.approx(20.0)
    assert line.marginal == pytest.approx(1e-5)
    assert line.error is None  # any two points lie on a line


def test_of_three_nights_the_line_has_an_error() -> None:
    exact = Line.through([1, 2, 3], [1.0, 2.0, 3.0])
    bent = Line.through([1, 2, 4], [1.0, 2.0, 5.0])
    assert exact.error == pytest.approx(0.0)
    # By numpy's fit, which weighs residuals, not their squares; the middle is (1 + 1 + 1) / (7 / 4).
    size, cost, weight = np.array([1.0, 2, 4]), np.array([1.0, 2, 5]), np.array([1, 0.5, 0.25])
    slope, fixed = np.polyfit(size, cost, 1, w=np.sqrt(weight))
    assert bent.marginal == pytest.approx(slope)
    assert bent.fixed == pytest.approx(fixed)
    spread = (weight * (size - 12 / 7) ** 2).sum()
    rest = (weight * (cost - fixed - slope * size) ** 2).sum()
    assert bent.error == pytest.approx((rest / spread) ** 0.5)


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
        {"plays": 1_000_000, "nights": [night(1_000_000, 99.0), night(1_000_000, 20.0)]},
        {"plays": 2_000_000, "nights": [night(2_000_000, 99.0), night(2_000_000, 31.0)]},
    ]
    lines = lines_of(results)
    assert set(lines) == {"feed", "plays", "scores", "publications", "report"}
    (claim,) = claims(results, lines)
    assert (claim.measured, claim.holds) == ("44.0 µs", False)
    assert "| ingest | 9 s | 11.0 µs | 31 s | 64,516 | 3.0 GB | 2 | 2 | 2 | 2 |" in table(results, lines)


def test_of_a_run_with_a_smaller_second_day_the_first_night_counts() -> None:
    run = {"plays": 10_000_000, "nights": [night(9_900_000, 230.0), night(1_000_000, 25.0)]}
    assert counted_night(run)["plays"] == 9_900_000
    results = [{"plays": 1_000_000, "nights": [night(1_000_000, 99.0), night(1_000_000, 20.0)]}, run]
    growth = claims(results, lines_of(results))[1]
    assert (growth.measured, growth.holds) == ("ingest 11.5 times", False)
    sizes = sizes_table(results, lines_of(results))
    assert "| ingest | 20.0 | 23.2 |" in sizes
    drawn = figure(results, lines_of(results))
    assert 'id="plot-night-lines"' in drawn
    assert "10 M" in drawn


def test_the_capacity_of_a_larger_night_follows_from_the_lines() -> None:
    results = [
        {"plays": plays, "nights": [night(plays, seconds)]}
        for plays, seconds in ((1_000_000, 20.0), (3_000_000, 40.0))
    ]
    told = capacity_table(results, lines_of(results))
    # Five steps, each 10 s and 10 µs a play; CPU is half of what two cores have: 1e9 plays are 50,050 s.
    row = next(line for line in told.splitlines() if line.startswith("| 1,000,000,000 |"))
    assert [cell.strip() for cell in row.split("|")[2:4]] == ["13.90", "14"]
    # Four steps write 2 MB each of 3 million plays: 2.67 bytes a play; 30 days of three, 400 of weights.
    assert [cell.strip() for cell in row.split("|")[4:7]] == ["2.7 GB", "0.33 TB", "1.3 GB"]


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


def test_late_nights_of_a_month_are_held_to_early_ones() -> None:
    nights = {
        "early": [night(100_000, 2.0), night(100_000, 3.0), night(100_000, 2.0)],
        "late": [night(1, 2.3)] * 3,
    }
    (claim,) = month.claims(nights)
    assert (claim.holds, claim.measured) == (True, "1.15 times")
    told = month.table(nights)
    assert "| ingest | 2.0 s | 2.3 s | 1.15x |" in told
    assert "| whole night | 12.0 s | 13.8 s | 1.15x |" in told
    (claim,) = month.claims({**nights, "late": [night(100_000, 2.5)] * 3})
    assert not claim.holds
