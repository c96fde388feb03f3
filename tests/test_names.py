"""Names tell things apart: no two classes share one, and a variable says what it holds."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
EMPTY_NAMES = {"found", "each"}
"""They say that there is a thing, not which."""


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield the path and the syntax tree of every module."""
    for folder in folders:
        for file in sorted((REPOSITORY / folder).rglob("*.py")):
            yield str(file.relative_to(REPOSITORY)), ast.parse(file.read_text())


def variables(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each name that is assigned, looped over or an argument, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def test_no_two_classes_share_a_name() -> None:
    homes = defaultdict(list)
    for path, tree in trees("uae_model", "jobs"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{path}:{node.lineno}")
    assert homes
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_variables_say_what_they_hold() -> None:
    places = [
        f"{path}:{line}: {name}"
        for path, tree in trees("uae_model", "jobs")
        for name, line in variables(tree)
        if name in EMPTY_NAMES
    ]
    assert places == []
