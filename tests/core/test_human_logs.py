"""Events as a person reads them: one line, place first, nothing for machines alone."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import pytest

from uae_model.core.human_logs import HumanFormatter, colours_wanted


def line(event: str, level: int = logging.INFO, *, in_colour: bool = False, **fields: Any) -> str:
    record = logging.LogRecord("uae", level, "", 0, event, None, None)
    record.fields = fields
    return HumanFormatter(in_colour=in_colour).format(record)


def test_the_place_stands_before_the_event_and_the_figures_after_it() -> None:
    told = line(
        "step finished",
        job="uae nightly",
        run_id="r",
        dt=date(2026, 1, 5),
        step="score",
        plays=23000,
        seconds=3.25,
    )
    clock, rest = told.split("  ", 1)
    assert len(clock.split(":")) == 3
    assert rest == "score 2026-01-05  step finished  plays=23,000 seconds=3.25"


def test_what_is_long_or_unknown_is_left_to_machines() -> None:
    assert line("settings", digest="ab", config={"a": "x" * 200}, none=None).endswith("  settings  digest=ab")
    assert line("stays", reason="x" * 200).endswith(f"  stays  reason={'x' * 200}")


def test_a_traceback_stands_below() -> None:
    first, *below = line(
        "job failed", logging.ERROR, error="ValueError", traceback="Traceback\n  x\nValueError: y\n"
    ).split("\n")
    assert first.endswith("job failed  error=ValueError")
    assert below == ["Traceback", "  x", "ValueError: y"]


def test_warnings_and_errors_are_painted_where_colours_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[33mlow\x1b[0m" in line("low", logging.WARNING, in_colour=True)
    assert "\x1b[31mbad\x1b[0m" in line("bad", logging.ERROR, in_colour=True)
    assert "\x1b" not in line("bad", logging.ERROR)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert (colours_wanted(True), colours_wanted(False)) == (True, False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours_wanted(True)
