"""A small version of the benchmark of the gates: quiet histories pass, planted faults do not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gates.__main__ import Judged, claims, main
from benchmarks.gates.faults import BINS, FAULTS
from benchmarks.gates.worlds import START, WORLDS, histogram, quiet_nights


def test_every_fault_is_caught_and_quiet_nights_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gates.json"
    assert main(["--nights", "40", "--planted", "4", "--out", str(out)]) == 0
    worlds = json.loads(out.read_text())["worlds"]
    assert list(worlds) == [world.name for world in WORLDS]
    assert all(world["nights"] == 40 for world in worlds.values())
    assert all(world["planted"] == dict.fromkeys(FAULTS, 4) == world["caught"] for world in worlds.values())
    assert "holds: at most 1 false alarm in 200 quiet nights" in capsys.readouterr().err


def test_there_are_at_least_twelve_faults_and_each_changes_something() -> None:
    assert len(FAULTS) >= 12
    night = next(quiet_nights(WORLDS[0], 1, np.random.default_rng(1)))
    assert night.figures.day == START
    for name, fault in FAULTS.items():
        assert fault(night) != night, name


def test_false_alarms_and_missed_faults_break_the_claims() -> None:
    judged = Judged(nights=200, alarms=2)
    judged.planted.update(dict.fromkeys(FAULTS, 1))
    judged.caught.update(dict.fromkeys(list(FAULTS)[1:], 1))
    assert [claim.holds for claim in claims({"steady": judged})] == [False, False, False]
    assert claims({"steady": judged})[2].measured == f"{next(iter(FAULTS))} in steady"


def test_a_histogram_has_all_bins_and_the_mean_asked_for() -> None:
    counts = histogram(0.5, 2.0, 10_000, np.random.default_rng(1))  # uniform
    assert len(counts) == BINS
    assert sum(counts) == pytest.approx(10_000, abs=BINS)  # each bin is rounded down
    assert counts[8] == pytest.approx(2_000, rel=0.1)  # 0.5 to 0.7
