"""What the readers that look on would not put up with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from tests.cluster.moments import EndedBeforeError, Moment, Readers, reach
from tests.cluster.runs import BEFORE, NIGHT, Seen

OLD, NEW, HALF = (pa.table({"sample_weight": rows}) for rows in ([0.5], [0.4, 0.6], [0.4]))


def look(*seen: Seen) -> None:
    answers = iter(seen)
    workbench: Any = SimpleNamespace(seen=lambda: next(answers))
    readers = Readers(workbench, {BEFORE: OLD}, {BEFORE: NEW, NIGHT: NEW})
    for _ in seen:
        readers.look()


def test_days_turn_new_one_by_one() -> None:
    look({BEFORE: OLD}, {BEFORE: OLD}, {BEFORE: OLD, NIGHT: NEW}, *[{BEFORE: NEW, NIGHT: NEW}] * 2)


@pytest.mark.parametrize("half", [{BEFORE: HALF}, {BEFORE: OLD, NIGHT: HALF}])
def test_half_a_day_is_found(half: Seen) -> None:
    with pytest.raises(AssertionError, match="is neither as before the run nor as after it"):
        look(half)


def test_a_day_that_is_gone_or_goes_back_is_found() -> None:
    with pytest.raises(AssertionError):
        look({NIGHT: NEW})
    with pytest.raises(AssertionError, match="went back"):
        look({BEFORE: NEW}, {BEFORE: OLD})


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [(0, EndedBeforeError, "tables/weights"), (2, AssertionError, "failed before")],
)
def test_a_run_that_ends_before_a_moment_is_told_from_one_that_fails(
    code: int, error: type[Exception], message: str
) -> None:
    ended: Any = SimpleNamespace(popen=SimpleNamespace(poll=lambda: code), tail=lambda: "")
    workbench: Any = SimpleNamespace(files=lambda place: {"old", "new"})
    readers: Any = SimpleNamespace(look_now_and_then=lambda: None)
    reach(ended, workbench, Moment("tables/weights", 1), {"old"}, readers)
    with pytest.raises(error, match=message):
        reach(ended, workbench, Moment("tables/weights", 2), {"old"}, readers)
