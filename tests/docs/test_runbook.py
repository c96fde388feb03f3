"""The runbook has an entry for every kind of error, every fault, check and gate, and no stale one."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.docs.pages import ROOT
from tests.error_kinds import every_kind
from tests.publication.test_checks import GOOD, MATCHED
from tests.publication.test_neighbours import DAY, WEEK
from uae_model.config import Config, load_config
from uae_model.config.model_sections import PromotionGates
from uae_model.pipeline.faults import FAULTS
from uae_model.publication.checks import Check, check_day
from uae_model.publication.model_checks import ScoringModel, check_model
from uae_model.publication.neighbours import check_against_neighbours
from uae_model.registry.gates import RegisteredCandidate, failed_gates

PAGE = (ROOT / "docs" / "runbook.md").read_text()
PARTS = [part.partition("\n") for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]]
SECTIONS = {title: text for title, _, text in PARTS}
SETTINGS = sorted(
    name for name in set(re.findall(r"`(\w+\.\w+)`", PAGE)) if name.partition(".")[0] in Config.model_fields
)
LONGEST_CELL = 400
"""Letters of what is to be done: longer ones belong on a page of their own."""


def rows(section: str) -> list[list[str]]:
    """Return the cells of a section's tables, without headers."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [number for number, row in enumerate(cells) if set("".join(row)) <= set("-: ")]
    headers = {*rules, *(number - 1 for number in rules)}
    return [row for number, row in enumerate(cells) if number not in headers]


def entries(section: str) -> dict[str, list[str]]:
    table = rows(section)
    assert len({row[0] for row in table}) == len(table), "an entry stands twice"
    return {row[0].strip("`"): row[1:] for row in table}


def checks_of_a_publication() -> list[Check]:
    """Return every check that a day can have: with neighbours, drift, two dimensions and a model."""
    config = load_config(None)
    limits = config.publication.model_copy(update={"max_psi": 0.25})
    config = config.model_copy(update={"publication": limits})
    facts = ScoringModel(DAY.day, 0.3, 0.7, 0.9)
    return [
        *check_day(GOOD, MATCHED, 0, config, {"device": 0.1}, {"users": (0, 1), "songs": (0, 1)}),
        *check_against_neighbours(DAY, WEEK, limits),
        *check_model(facts, DAY.day, config),
    ]


def checks_without_a_code() -> set[str]:
    """Return the names of checks that nobody may overrule, as the code writes them."""
    trees = [ast.parse(file.read_text()) for file in (ROOT / "uae_model").rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [node.args[0] for node in calls if isinstance(node.func, ast.Name) and node.func.id == "Check"]
    return {name.value for name in names if isinstance(name, ast.Constant) and isinstance(name.value, str)}


def test_every_kind_of_error_with_its_exit_code() -> None:
    told = entries("Exit codes and kinds of errors")
    assert {name: int(cells[0]) for name, cells in told.items()} == {
        kind.__name__: kind.exit_code for kind in every_kind()
    }


def test_every_fault_with_the_kind_that_it_becomes() -> None:
    told = entries("Faults of machine and storage")
    assert {message: cells[0].strip("`") for message, cells in told.items()} == {
        fault.what: fault.kind.__name__ for fault in FAULTS
    }


def test_every_check_of_a_publication_by_its_code() -> None:
    codes = {check.code for check in checks_of_a_publication() if check.code}
    assert len(codes) > 15
    structural = {check.name for check in checks_of_a_publication() if not check.code}
    assert set(entries("Checks of a publication")) == codes | structural


def test_every_check_that_takes_a_table_back() -> None:
    structural = {check.name for check in checks_of_a_publication() if not check.code}
    assert structural <= checks_without_a_code()
    assert set(entries("Checks of a table")) == checks_without_a_code() - structural


GATES = PromotionGates()
FIRST = RegisteredCandidate(0.3, 0.35, 5000, None, None)
AGAINST_7 = replace(FIRST, compared_with=7, champion_loss=0.3)


def refusals() -> list[str]:
    """Return the sentence of every gate that a candidate can fail."""
    first: list[dict[str, Any]] = [
        *({"loss": float("nan")}, {"base_rate_loss": 0.3}, {"training_plays": 1}),
        *({"evidence": 0.4}, {"agreement": -0.1}),
    ]
    later: list[dict[str, Any]] = [{"compared_with": 6}, {"champion_loss": None}, {"champion_loss": 0.2}]
    told = [failed_gates(replace(FIRST, **change), None, GATES)[0] for change in first]
    return told + [failed_gates(replace(AGAINST_7, **change), 7, GATES)[0] for change in later]


def is_told(sentence: str, message: str) -> bool:
    return bool(re.match(".*?".join(map(re.escape, message.split("..."))), sentence))


def test_every_gate_of_a_promotion() -> None:
    messages = list(entries("Gates of a promotion"))
    assert len(refusals()) == len(messages)
    for sentence in refusals():
        assert [message for message in messages if is_told(sentence, message)], sentence
    for message in messages:
        assert [sentence for sentence in refusals() if is_told(sentence, message)], message


def test_every_setting_of_the_gates_is_named() -> None:
    named = set(re.findall(r"`promotion\.(\w+)`", SECTIONS["Gates of a promotion"]))
    assert named == set(PromotionGates.model_fields)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_it_names_exist(name: str, config: Config) -> None:
    section, _, key = name.partition(".")
    assert hasattr(getattr(config, section), key)


def test_every_entry_says_what_to_do() -> None:
    for section in SECTIONS:
        for row in rows(section):
            assert all(row), row
            assert all(len(cell) <= LONGEST_CELL for cell in row), row
