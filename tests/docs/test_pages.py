"""What README and documentation say can be followed: links, snippets, settings, commands."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import STEPS
from tests.docs.pages import ALL_PAGES, ROOT, TOP_LEVEL, Block, blocks, name_of
from uae_model.config.load import PROFILE_FOLDER, parse_config
from uae_model.core.errors import UaeError

LARGEST_README = 12 * 1024
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


def relative_links(page: Path) -> Iterator[str]:
    """Yield the links of a page that lead to files of the repository, without code in fences."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for pair in LINK.findall(text):
        target = (pair[0] or pair[1]).partition("#")[0]
        if target and not re.match(r"[a-z]+:", target):
            yield target


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= LARGEST_README


@pytest.mark.parametrize("page", ALL_PAGES, ids=name_of)
def test_relative_links_lead_to_files(page: Path) -> None:
    missing = [link for link in relative_links(page) if not (page.parent / link).exists()]
    assert missing == []


def test_links_of_the_readme_are_seen() -> None:
    links = set(relative_links(TOP_LEVEL[0]))
    assert {"docs/assets/flow.svg", "docs/assets/report.png", "LICENSE", "docs/index.md"} <= links


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_imports_only_names_that_exist(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert missing == [], node.module


def test_the_python_reference_names_what_exists() -> None:
    text = (ROOT / "docs" / "reference" / "python.md").read_text()
    named = re.findall(r"^::: ([\w.]+)\n(?:    options:\n      members: \[(.*)\]\n)?", text, re.MULTILINE)
    assert len(named) >= 6
    for path, members in named:
        target = pkgutil.resolve_name(path)
        missing = [name for name in members.split(", ") if name and not hasattr(target, name)]
        assert missing == [], path


def with_default_features(tree: dict[str, Any]) -> dict[str, Any]:
    """Return settings beside the features of the default profile, which a snippet need not repeat."""
    default = tomllib.loads((PROFILE_FOLDER / "default.toml").read_text())
    return {**tree, "features": [*default["features"], *tree.get("features", [])]}


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_settings_are_valid(block: Block) -> None:
    tree = tomllib.loads(block.text)
    assert tree.pop("profile", "default") == "default"
    config = parse_config(with_default_features(tree))
    assert config.features


def commands(name: str) -> list[tuple[str, list[str]]]:
    """Return the lines of all shell snippets that call a program, as (page, arguments)."""
    lines = []
    for block in blocks("bash"):
        for line in block.text.replace("\\\n", " ").splitlines():  # a command may go on in the next line
            words = shlex.split(line, comments=True)
            if words[:1] == [name]:
                lines.append((str(block), words[1:]))
    return lines


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {(where, target) for where, words in commands("make") for target in words}
    assert {target for _, target in named} >= {"demo", "test"}
    assert [pair for pair in sorted(named) if pair[1] not in targets] == []


def test_steps_and_their_options_exist() -> None:
    text = (ROOT / "docs" / "reference" / "commands.md").read_text()
    helps = dict(re.findall(r"^## uae ([a-z-]+)\n\n```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    assert helps.keys() == STEPS.keys()
    named = commands("uae")
    assert len(named) >= 10
    for where, (step, *options) in named:
        for option in options:
            if option.startswith("--"):
                assert re.search(rf"{option}(?![\w-])", helps[step]), f"{where}: {step} {option}"


def kinds_of(error: type[UaeError]) -> Iterator[type[UaeError]]:
    """Yield an error class and all below it."""
    yield error
    for kind in error.__subclasses__():
        yield from kinds_of(kind)


def test_operations_tells_every_exit_code() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text.split("| exit code | meaning |")[1].split("\n\n")[0]
    told = [int(code) for code in re.findall(r"^\| (\d) \|", table, re.MULTILINE)]
    assert sorted(told) == sorted({0, *(kind.exit_code for kind in kinds_of(UaeError))})
