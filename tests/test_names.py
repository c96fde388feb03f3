"""Names tell things apart, a variable says what it holds, and private names stay in their module."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
EMPTY_NAMES = {"found", "each"}
"""They say that there is a thing, not which."""
PACKAGES = ("uae_model", "jobs", "benchmarks", "scripts", "tests")


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield the path and the syntax tree of every module."""
    for folder in folders:
        for file in sorted((REPOSITORY / folder).rglob("*.py")):
            yield str(file.relative_to(REPOSITORY)), parsed(file)


@functools.cache
def parsed(file: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(file.read_text())


def variables(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each name that is assigned, looped over or an argument, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def private_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each private name of this project that is imported, or patched under its name as text.

    Attributes that are private are ruff's matter (SLF001).
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            yield from ((name.name, node.lineno) for name in node.names if is_private(name.name))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setattr":
            texts = [str(part.value) for part in node.args[:2] if isinstance(part, ast.Constant)]
            yield from ((text, node.lineno) for text in texts if is_private(text.rpartition(".")[2]))


def is_private(name: str) -> bool:
    """Tell whether a name starts with one underscore."""
    return name.startswith("_") and not name.startswith("__")


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


def test_private_names_stay_in_their_module() -> None:
    places = [
        f"{path}:{line}: {name}" for path, tree in trees(*PACKAGES) for name, line in private_names(tree)
    ]
    assert places == []


def test_private_names_are_noticed_however_they_are_reached() -> None:
    tree = ast.parse(
        "from uae_model.lake.store import _secret, open_one\n"
        "from elsewhere import _other\n"
        "patch.setattr(store, '_hidden', 1)\n"
        "patch.setattr('uae_model.lake._deep', 1)\n"
        "patch.setattr(module, '__version__', '9')\n"
    )
    assert list(private_names(tree)) == [("_secret", 1), ("_hidden", 3), ("uae_model.lake._deep", 4)]
