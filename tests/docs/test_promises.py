"""Each promise of docs/promises.md names a test that is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT

PROMISES = re.findall(
    r"^\| (.+) \| `(tests/.+)` \|$", (ROOT / "docs" / "promises.md").read_text(), re.MULTILINE
)


def test_there_are_promises() -> None:
    assert len(PROMISES) > 20
    assert len({promise for promise, _ in PROMISES}) == len(PROMISES)


@pytest.mark.parametrize("test", [test for _, test in PROMISES])
def test_the_test_of_a_promise_is_there(test: str) -> None:
    file, *names = test.split("::")
    body = ast.parse((ROOT / file).read_text()).body
    for name in names:
        defined = {node.name: node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert name in defined, f"{file} has no {name}"
        body = defined[name].body
