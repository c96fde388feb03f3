"""Results that outlive the process that asked for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.claims import Claim, conclude
from benchmarks.in_processes import kept_results


@dataclass(frozen=True)
class Numbered:
    """A case."""

    number: int

    @property
    def name(self) -> str:
        return f"case-{self.number}"


def square(number: int) -> dict[str, Any]:
    return {"square": number * number}


def test_a_finished_case_is_not_called_again(tmp_path: Path) -> None:
    calls = {Numbered(number): (number,) for number in (2, 3)}
    first = kept_results(square, calls, tmp_path / "data", 2, resume=False)
    assert first == [{"square": 4}, {"square": 9}]
    (tmp_path / "data" / "case-2.json").write_text('{"square": -1}')
    assert kept_results(square, calls, tmp_path / "data", 1, resume=True) == [{"square": -1}, {"square": 9}]
    assert kept_results(square, calls, tmp_path / "data", 1, resume=False) == first


def test_the_exit_code_tells_whether_every_claim_holds(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "results.json"
    good, bad = Claim("it works", "twice", True), Claim("it flies", "never", False)
    assert conclude({"cases": [1]}, str(out), {"a": "| a |"}, [good], None) == 0
    assert conclude({"cases": [1]}, str(out), {"a": "| a |"}, [good, bad], None) == 1
    assert json.loads(out.read_text())["cases"] == [1]
    shown = capsys.readouterr()
    assert shown.out == "| a |\n" * 2
    assert shown.err.splitlines()[-1] == "FAILS: it flies: never"
