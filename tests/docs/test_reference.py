"""docs/reference is what scripts/reference.py writes now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from scripts import reference
from scripts.reference import allowed, main, pages, stale


@pytest.fixture(scope="module")
def written() -> Mapping[str, str]:
    return pages()


def test_the_reference_is_not_stale(written: Mapping[str, str]) -> None:
    assert stale(written) == [], "run `make reference` and commit docs/reference"


def test_a_page_that_differs_or_is_missing_is_stale(
    written: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    monkeypatch.setattr(reference, "pages", lambda: written)
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "tables.md").write_text("# Tables\n")
    (tmp_path / "commands.md").unlink()
    assert main(["--check"]) == 1
    assert capsys.readouterr().err == (
        "stale: docs/reference/tables.md, docs/reference/commands.md; run `make reference`\n"
    )


def test_settings_have_default_bounds_and_meaning(written: Mapping[str, str]) -> None:
    lines = written["configuration.md"].splitlines()
    assert (
        "| `feed.listened_share` | `0.5` | Share of a song below which a play counts as skipped "
        "(datasets that tell the share). Allowed: ≥ 0, ≤ 1 |" in lines
    )
    (row,) = [line for line in lines if line.startswith("| `feed.time_of` |")]
    assert row.endswith("Allowed: `start`, `end` |")


def test_options_of_every_step_are_told_once(written: Mapping[str, str]) -> None:
    lines = written["commands.md"].splitlines()
    assert len([line for line in lines if line.startswith("  --config FILE ")]) == 1
    assert len([line for line in lines if line.startswith("  --rollback ")]) == 1


def test_tables_have_their_constraints(written: Mapping[str, str]) -> None:
    assert "- `sample_weight BETWEEN 0 AND 1`" in written["tables.md"].splitlines()


class Model(BaseModel):
    either: Literal["a", "b"] | None = None
    several: tuple[Annotated[Literal["c"], Field(description="one")], ...] = ()
    bounded: Annotated[float, Field(gt=0, le=1)] = 1.0
    free: str = ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [("either", "`a`, `b`"), ("several", "`c`"), ("bounded", "> 0, ≤ 1"), ("free", "")],
)
def test_what_a_setting_may_be(name: str, expected: str) -> None:
    assert allowed(Model.model_fields[name]) == expected
