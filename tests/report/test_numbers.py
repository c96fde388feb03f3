"""How figures are written."""

from __future__ import annotations

import pytest

from uae_model.report.numbers import with_separators


@pytest.mark.parametrize(
    ("text", "separated"),
    [
        ("50000 plays of 1234", "50,000 plays of 1,234"),
        ("day 2026-01-13, loss 0.12345", "day 2026-01-13, loss 0.12345"),
        ("digest 0123456789ab, version v12345", "digest 0123456789ab, version v12345"),
        ("1,234,567 rows", "1,234,567 rows"),
        ("(86400 s)", "(86,400 s)"),
    ],
)
def test_large_numbers_have_separators(text: str, separated: str) -> None:
    assert with_separators(text) == separated
