"""The figures of docs/benchmarks are those that the benchmarks wrote beside their code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import claims
from benchmarks.__main__ import PAGES, replace_block, table
from benchmarks.claims import conclude
from benchmarks.crosses.tables import tables as crosses_tables
from benchmarks.downstream.__main__ import results_of
from benchmarks.downstream.cases import DownstreamCase
from benchmarks.downstream.tables import tables as downstream_tables
from benchmarks.downstream.worlds import GRIDS, USERS
from benchmarks.estimators.tables import tables as estimators_tables
from benchmarks.gates import __main__ as gates
from tests.docs.pages import ROOT


def measured(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())
    return content


def of_speed() -> Mapping[str, str]:
    return {
        "speed": table(measured("results")["results"]),
        "features": table(measured("features")["results"]),
    }


def of_recommenders() -> Mapping[str, str]:
    cases = measured("downstream")["cases"]
    names = ("profile", "liking_effect", "seed", "users")
    cases_by_settings = {DownstreamCase(**{name: case[name] for name in names}): case for case in cases}
    results = {
        name: results_of(
            cases_by_settings,
            {DownstreamCase.of(grid, seed, USERS): grid.trials(seed) for seed in range(1, grid.seeds + 1)},
        )
        for name, grid in GRIDS.items()
    }
    return {**downstream_tables(results), **crosses_tables(measured("crosses")["cases"])}


def of_gates() -> Mapping[str, str]:
    worlds = measured("gates")["worlds"]
    return gates.tables({name: gates.Judged.of_result(result) for name, result in worlds.items()})


@pytest.mark.parametrize(
    ("page", "blocks"),
    [
        ("speed.md", of_speed),
        ("attention.md", lambda: estimators_tables(measured("estimators")["cases"])),
        ("recommenders.md", of_recommenders),
        ("gates.md", of_gates),
    ],
)
def test_pages_show_what_was_measured(page: str, blocks: Any, tmp_path: Path) -> None:
    copy = tmp_path / page
    copy.write_text((PAGES / page).read_text())
    for name, text in blocks().items():
        replace_block(copy, name, text)
    assert copy.read_text() == (PAGES / page).read_text(), "run the benchmark with --docs, or commit its JSON"


def test_a_benchmark_fills_in_the_blocks_of_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "PAGES", tmp_path)
    page = tmp_path / "speed.md"
    page.write_text("before\n<!-- bench a:start -->\nold\n<!-- bench a:end -->\nafter\n")
    assert conclude({}, str(tmp_path / "out.json"), {"a": "| new |"}, [], "speed.md") == 0
    assert page.read_text() == "before\n<!-- bench a:start -->\n| new |\n<!-- bench a:end -->\nafter\n"


def test_a_page_without_the_markers_is_told(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match=r"lacks the lines <!-- bench a:start --> and <!-- bench a:end -->"):
        replace_block(page, "a", "text")
