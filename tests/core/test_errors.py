"""The first line of an error."""

from __future__ import annotations

import pytest

from uae_model.core.errors import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("\n  no answer\n  at line 3"), "no answer"),
        (ValueError("0123456789ab"), "0123456789"),
        (ValueError(""), "ValueError"),
    ],
)
def test_one_line_is_left_and_never_none(error: Exception, line: str) -> None:
    assert first_line(error, 10) == line
