"""How far a step is: bars where a person looks, events where none does, and what ranks tell of theirs."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from uae_model.core import progress as module
from uae_model.core.errors import UsageError
from uae_model.core.logs import configure_logs, format_of, log
from uae_model.core.progress import BarDisplay, EventDisplay, display, progress, show_event


class Terminal(io.StringIO):
    """Standard error of a person."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logs_of_this_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    logger = logging.getLogger("uae")
    monkeypatch.setattr(logger, "handlers", [])
    before = logger.level, logger.propagate
    monkeypatch.delenv("UAE_LOG_FORMAT", raising=False)
    yield
    configure_logs(written="json")
    logger.setLevel(before[0])
    logger.propagate = before[1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("uae_model.core.progress.time.monotonic", lambda: now[0])
    return now


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_without_a_terminal_there_is_an_event_now_and_then(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs()
    with progress("epoch 1", 100, "plays", done=5) as counter:
        for _ in range(9):
            clock[0] += 10
            counter.advance(10)
    told = events(capsys.readouterr().err)
    assert [(event["event"], event["what"], event["done"], event["total"]) for event in told] == [
        ("progress", "epoch 1", done, 100) for done in (35, 65, 95)
    ]


def test_on_a_terminal_there_is_a_bar_that_lines_go_above_and_that_vanishes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    configure_logs()
    assert isinstance(display(), BarDisplay)
    with progress("epoch 1", 4, "plays") as counter:
        counter.advance(2)
        log("something happened")
        with progress("within", 1, "fits") as inner:
            inner.advance()
        counter.advance(2)
    assert sys.stderr is terminal
    assert module._Bars.shown is None  # noqa: SLF001
    told = terminal.getvalue()
    assert "something happened" in told
    assert "epoch 1" in told
    assert "{" not in told


def test_a_step_that_fails_takes_its_bar_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    configure_logs()
    with pytest.raises(ValueError, match="no"), progress("epoch 1", 4, "plays"):
        raise ValueError("no")
    assert (module._Bars.shown, module._Bars.users) == (None, 0)  # noqa: SLF001


def test_a_rank_tells_at_once_and_another_process_shows_it(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(written="relayed")
    with progress("epoch 1", None, "plays") as counter:
        counter.advance(3)  # too soon after the first
        clock[0] += 1
        counter.advance(3)
    told = events(capsys.readouterr().err)
    assert [event["done"] for event in told] == [0, 6]
    shown = EventDisplay(0)
    show_event(shown, told[1])
    assert events(capsys.readouterr().err)[0]["done"] == 6.0


@pytest.mark.parametrize(
    ("wanted", "variable", "is_terminal", "written"),
    [
        (None, None, True, "human"),
        (None, None, False, "json"),
        (None, "json", True, "json"),
        (None, "human", False, "human"),
        ("json", "human", True, "json"),
        ("human", "json", False, "human"),
    ],
)
def test_an_option_wins_over_the_variable_and_that_over_the_terminal(
    wanted: str | None, variable: str | None, is_terminal: bool, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal() if is_terminal else io.StringIO())
    if variable:
        monkeypatch.setenv("UAE_LOG_FORMAT", variable)
    assert format_of(wanted) == written  # type: ignore[arg-type]


def test_a_variable_of_another_word_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UAE_LOG_FORMAT", "xml")
    with pytest.raises(UsageError, match="UAE_LOG_FORMAT = 'xml': allowed are human, json"):
        configure_logs()
