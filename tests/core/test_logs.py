"""Logs are one JSON object a line, with the run and the step that they belong to."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from uae_model.core.logs import (
    JsonFormatter,
    add_to_context,
    configure_logs,
    log,
    log_context,
    timed,
    warn,
)
from uae_model.core.run_figures import STEP_SECONDS, figures_of_run


class Lines(logging.Handler):
    """Keep the lines as a formatter gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def read(self) -> list[dict[str, Any]]:
        assert not any("\n" in text for text in self.texts)
        return [json.loads(text) for text in self.texts]


@pytest.fixture
def lines() -> Iterator[Lines]:
    logger, handler = logging.getLogger("uae"), Lines()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_a_line_has_time_level_event_and_fields(lines: Lines) -> None:
    log("slot ingested", rows=3, dt=date(2026, 1, 5), path=Path("/a"))
    warn("gate overridden", gate="two\nlines")
    first, second = lines.read()
    assert datetime.fromisoformat(first.pop("time")).utcoffset() is not None
    assert first == {"level": "info", "event": "slot ingested", "rows": 3, "dt": "2026-01-05", "path": "/a"}
    assert (second["level"], second["gate"]) == ("warning", "two\nlines")


def test_fields_of_a_context_are_on_every_line_inside(lines: Lines) -> None:
    with log_context(job="uae nightly", run_id="r"):
        with log_context(run_id="inner"):
            log("a")
            log("b", run_id="own")
        log("c")
    log("d")
    assert [(line.get("job"), line.get("run_id")) for line in lines.read()] == [
        *[("uae nightly", "inner"), ("uae nightly", "own"), ("uae nightly", "r"), (None, None)],
    ]


def test_a_context_ends_with_an_error_too(lines: Lines) -> None:
    with pytest.raises(ValueError, match="no"), log_context(job="j"):
        raise ValueError("no")
    log("after")
    assert "job" not in lines.read()[0]


def test_a_step_is_timed_and_its_seconds_add_up(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 11.5, 20.0, 20.25])
    monkeypatch.setattr("uae_model.core.logs.time.monotonic", lambda: next(clock))
    seconds: dict[str, float] = {}
    with timed("score", seconds, dt="2026-01-05"):
        log("inside")
    with timed("score", seconds):
        pass
    assert seconds == {"score": 1.75}
    first = lines.read()[:3]
    assert [line["event"] for line in first] == ["step started", "inside", "step finished"]
    assert all((line["step"], line["dt"]) == ("score", "2026-01-05") for line in first)
    assert first[2]["seconds"] == 1.5


def test_a_step_that_fails_is_not_told_as_finished(lines: Lines) -> None:
    seconds: dict[str, float] = {}
    with pytest.raises(ValueError, match="no"), timed("score", seconds):
        raise ValueError("no")
    assert [line["event"] for line in lines.read()] == ["step started"]
    assert seconds == {}


def test_a_traceback_stays_in_its_line(lines: Lines) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("uae").exception("job failed")
    (line,) = lines.read()
    assert "ValueError: broken" in line["traceback"]


def test_logs_go_to_stderr_once_at_the_level_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("uae")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logger.level)  # put back at the end
    monkeypatch.setattr(logger, "propagate", True)
    logger.setLevel(logging.NOTSET)
    configure_logs("INFO")
    configure_logs("WARNING")
    log("quiet")
    warn("loud")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [json.loads(line)["event"] for line in captured.err.splitlines()] == ["loud"]
    assert isinstance(logger.handlers[0], logging.StreamHandler)
    assert logger.handlers[0].stream is sys.stderr
    # Another stderr, as a notebook puts in its place, gets the lines that come after.
    monkeypatch.setattr(sys, "stderr", other := io.StringIO())
    warn("elsewhere")
    assert json.loads(other.getvalue())["event"] == "elsewhere"
    assert capsys.readouterr().err == ""


def test_fields_that_are_added_last_as_long_as_the_block(lines: Lines) -> None:
    with log_context(job="uae nightly"):
        log("before")
        add_to_context(run_id="r", day="2026-01-05")
        with log_context(step="score"):
            log("inside")
        log("behind")
    log("after")
    told = [{name: line.get(name) for name in ("job", "run_id", "day", "step")} for line in lines.read()]
    assert [list(filter(None, fields.values())) for fields in told] == [
        ["uae nightly"],
        ["uae nightly", "r", "2026-01-05", "score"],
        ["uae nightly", "r", "2026-01-05"],
        [],
    ]


def test_the_run_is_told_the_seconds_of_a_step_that_fails() -> None:
    with figures_of_run("nightly") as figures, pytest.raises(ValueError, match="no"), timed("score", {}):
        raise ValueError("no")
    assert list(figures.sums(STEP_SECONDS)) == [("nightly", "", "score")]
