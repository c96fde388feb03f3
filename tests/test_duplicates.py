"""Each rule has one home: no six lines of code in a row stand twice in package, jobs and scripts."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
RUN = 6
"""As many equal lines in a row are too many."""

Line = tuple[int, str]
"""The number of a line and its text."""


def code_lines(text: str, *, python: bool) -> list[Line]:
    """Return what counts: no blanks, comments and lone brackets, no imports, docstrings and signatures."""
    left_out = boilerplate(ast.parse(text)) if python else set()
    return [
        (number, stripped)
        for number, line in enumerate(text.splitlines(), start=1)
        if number not in left_out
        if (stripped := line.strip()) and not stripped.startswith("#") and any(map(str.isalnum, stripped))
    ]


def boilerplate(tree: ast.Module) -> set[int]:
    """Return the numbers of the lines of imports, docstrings and signatures."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.FunctionDef):
            lines.update(range(node.lineno, node.body[0].lineno))
    return lines


def repeated(files: dict[str, list[Line]]) -> list[str]:
    """Return the places of every run of lines that stands twice, one text a run."""
    places = defaultdict(list)
    for path, lines in files.items():
        for start in range(len(lines) - RUN + 1):
            run = lines[start : start + RUN]
            places[tuple(line for _, line in run)].append(f"{path}:{run[0][0]}")
    return [" = ".join(equal) for equal in places.values() if len(equal) > 1]


def test_no_six_lines_stand_twice() -> None:
    files = {
        str(file.relative_to(REPOSITORY)): code_lines(file.read_text(), python=file.suffix == ".py")
        for folder in ("uae_model", "jobs", "scripts")
        for file in sorted((REPOSITORY / folder).rglob("*"))
        if file.suffix in (".py", ".sh")
    }
    assert len(files) > 100
    assert repeated(files) == []


BODY = "".join(f"    value = step_{number}(value)\n" for number in range(RUN))


@pytest.mark.parametrize(
    ("first", "second", "twice"),
    [
        (f"def f(value):\n{BODY}", f"def other(value):\n{BODY}", True),
        (f"def f(value):\n{BODY}", f"if True:\n    if True:\n{BODY.replace('    ', ' ' * 8)}", True),
        (f"def f(value):\n{BODY}", f"def f(value):\n{BODY.replace('step_3', 'another')}", False),
        ("import a\n" * RUN, "import a\n" * RUN, False),
        ('"""A\n' + "text\n" * RUN + '"""\n', '"""B\n' + "text\n" * RUN + '"""\n', False),
        ("def f(\n" + "".join(f"    a{n}: int,\n" for n in range(RUN)) + "): ...\n",) * 2 + (False,),
    ],
)
def test_what_counts_as_twice(first: str, second: str, twice: bool) -> None:
    files = {"a.py": code_lines(first, python=True), "b.py": code_lines(second, python=True)}
    assert bool(repeated(files)) is twice
