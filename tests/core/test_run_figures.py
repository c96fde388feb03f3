"""What a run tells is kept by metric and labels; parts of a day are summed, outside a run nothing is kept."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uae_model.core.run_figures import (
    FEED_ROWS,
    METRICS,
    OF_SUCCESS,
    PLAYS,
    RUN_EXIT_CODE,
    STEP_SECONDS,
    RunFigures,
    current_run,
    figures_of_run,
    measured,
    tell,
)

SLOT = {"step": "ingest", "table": "events", "outcome": "read"}


def test_names_and_labels_are_prometheus_own() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names)) > 20
    for metric in METRICS:
        assert re.fullmatch(r"uae_[a-z]+(_[a-z]+)*", metric.name)
        assert metric.meaning.endswith(".")
        assert metric.labels[0] == "job"
        assert (metric.labels == ("job",)) == (metric in OF_SUCCESS), "what outlives a run has no day"


def test_a_value_takes_the_place_of_the_one_before() -> None:
    with figures_of_run("nightly") as figures:
        figures.day = "2026-01-05"
        tell(PLAYS, 3, step="sessions")
        tell(PLAYS, 7, step="sessions")
        tell(PLAYS, 5, step="sessions", day="2026-01-04")
        tell(PLAYS, None, step="score")
    assert figures.sums(PLAYS) == {
        ("nightly", "2026-01-05", "sessions"): 7.0,
        ("nightly", "2026-01-04", "sessions"): 5.0,
    }


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 10**6), min_size=1))
def test_parts_of_a_day_are_summed_however_often_they_are_told(rows: dict[str, int]) -> None:
    figures = RunFigures("ingest", day="2026-01-05")
    for _ in range(2):
        for part, count in rows.items():
            figures.tell(FEED_ROWS, count, part=part, **SLOT)
    assert figures.sums(FEED_ROWS) == {
        ("ingest", "2026-01-05", "ingest", "events", "read"): float(sum(rows.values()))
    }


def test_nothing_is_kept_outside_a_run() -> None:
    tell(RUN_EXIT_CODE, 1)
    with measured("score"):
        pass
    assert current_run() is None
    with figures_of_run("score") as figures:
        assert current_run() is figures
    assert figures.values == {}


def test_a_missing_label_is_an_error() -> None:
    with pytest.raises(KeyError, match="step"):
        RunFigures("nightly").tell(PLAYS, 1)


def test_a_step_that_fails_has_its_seconds_and_those_of_two_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.5, 10.0, 11.0])
    monkeypatch.setattr("uae_model.core.run_figures.time.monotonic", lambda: next(clock))
    with figures_of_run("nightly") as figures:
        with measured("score"):
            pass
        with pytest.raises(ValueError, match="no"), measured("score"):
            raise ValueError("no")
    assert figures.sums(STEP_SECONDS) == {("nightly", "", "score"): 3.5}
