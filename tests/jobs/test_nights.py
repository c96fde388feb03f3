"""Whole nights, ranges of days and the champion: options in, summary out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.builders import DAY, write_slot
from tests.jobs.stand_ins import COUNTS, DATE, Registry, built
from uae_model.core.errors import ModelError, NotClosedError


def test_nightly_prints_its_summary_last(run: Any) -> None:
    code, lines, _ = run(
        "nightly", *DATE, run_night=lambda store, registry, day: {"dt": str(day), "plays": 3}
    )
    assert (code, lines) == (0, [{"dt": "2026-01-05", "plays": 3}])


def test_nightly_says_in_one_line_why_a_night_must_wait(run: Any) -> None:
    def wait(*_: Any) -> None:
        raise NotClosedError("2026-01-05 is not closed")

    assert run("nightly", *DATE, run_night=wait) == (3, [], "uae nightly: 2026-01-05 is not closed")


class TestBackfill:
    RANGE = ("--from", "2026-01-05", "--to", "2026-01-06")

    @staticmethod
    def steps(ran: list[Any]) -> dict[str, Callable[..., Any]]:
        """Return what a backfill calls, which only writes down that it was called."""

        def prepare(store: Any, first: date, last: date, *, features: bool) -> Any:
            ran.append(("prepare", first.day, last.day, features))
            return {"plays": [built("plays", DAY, **COUNTS)]}

        def night(store: Any, registry: Any, day: date) -> dict[str, int]:
            ran.append(("night", day.day))
            return {"day": day.day}

        return {"prepare_days": prepare, "run_night": night}

    @pytest.fixture(autouse=True)
    def deliver(self, tmp_path: Path) -> Callable[[int], Path]:
        """Return what delivers the slot of a day of January 2026; those that close the range are there."""

        def deliver(day: int) -> Path:
            return write_slot(tmp_path / "feed", date(2026, 1, day), [])

        for day in (5, 6, 7):
            deliver(day)
        return deliver

    def test_it_prepares_all_days_and_then_runs_each_night(self, run: Any) -> None:
        ran: list[Any] = []
        steps = self.steps(ran)
        code, lines, _ = run("backfill", *self.RANGE, **steps)
        assert code == 0
        assert ran == [("prepare", 5, 6, True), ("night", 5), ("night", 6)]
        assert lines == [{"day": 5}, {"day": 6}]
        ran.clear()
        code, lines, _ = run("backfill", *self.RANGE, "--until", "sessions", **steps)
        assert (code, ran) == (0, [("prepare", 5, 6, False)])
        assert [line["plays"] for line in lines] == [3]

    def test_it_does_the_days_that_are_closed_and_names_the_others(
        self, run: Any, deliver: Callable[[int], Path]
    ) -> None:
        deliver(9)
        deliver(10)  # 5 and 6 are closed, 7 and 8 lack the slot of 8, 9 is closed, 10 and 11 are not
        ran: list[Any] = []
        code, lines, error = run("backfill", "--from", "2026-01-05", "--to", "2026-01-11", **self.steps(ran))
        assert code == 3
        assert ran == [
            *(("prepare", 5, 6, True), ("prepare", 9, 9, True)),
            *(("night", 5), ("night", 6), ("night", 9)),
        ]
        assert [line["day"] for line in lines] == [5, 6, 9]
        assert error.startswith(
            "uae backfill: 3 days are done; not closed yet: 2026-01-07 to 2026-01-08, 2026-01-10 to "
            "2026-01-11; 2026-01-07 is not closed: the complete feed reaches 2026-01-08 00:00"
        )

    def test_a_range_in_the_wrong_order_starts_nothing(self, run: Any) -> None:
        code, _, error = run("backfill", "--from", "2026-01-06", "--to", "2026-01-05")
        assert (code, error) == (2, "uae backfill: --from 2026-01-06 is after --to 2026-01-05")


def summary(config: Any, registry: Any, version: int) -> dict[str, Any]:
    return {"champion": version}


class TestPromote:
    def test_the_newest_or_a_named_version_with_or_without_force(self, run: Any) -> None:
        asked: list[Any] = []

        def promote(config: Any, registry: Any, version: int | None, *, force: bool) -> int:
            asked.append((version, force))
            return version or 8

        for options, champion in (((), 8), (("--version", "3"), 3), (("--version", "3", "--force"), 3)):
            code, lines, _ = run("promote", *options, promote_version=promote, promotion_summary=summary)
            assert (code, lines) == (0, [{"champion": champion}])
        assert asked == [(None, False), (3, False), (3, True)]

    def test_going_back_is_one_command(self, run: Any) -> None:
        code, lines, _ = run("promote", "--rollback", promotion_summary=summary)
        assert (code, lines) == (0, [{"champion": 2}])
        assert Registry.champions == [2]

    def test_a_failed_gate_is_told(self, run: Any) -> None:
        def refuse(*_: Any, force: bool) -> int:
            raise ModelError("version 3 was not promoted: it has no validation loss")

        assert run("promote", promote_version=refuse) == (
            *(1, []),
            "uae promote: version 3 was not promoted: it has no validation loss",
        )

    def test_back_and_forth_at_once_is_a_mistake(self, run: Any) -> None:
        with pytest.raises(SystemExit) as left:
            run("promote", "--rollback", "--version", "3")
        assert left.value.code == 2
