"""How figures are written on the pages."""

from __future__ import annotations

import re

LARGE_NUMBER = re.compile(r"(?<![\w.,/+-])\d{4,}(?![\w/-]|[.,]\d)")
"""A whole number with enough digits for a separator; no part of a date, a decimal, a version or a digest."""


def with_separators(text: str) -> str:
    """Return a text with separators in its large numbers: ``50000 plays`` becomes ``50,000 plays``."""
    return LARGE_NUMBER.sub(lambda number: f"{int(number[0]):,}", text)


def number(value: float | None) -> str:
    """Return a count with separators."""
    return "none" if value is None else f"{value:,.0f}"


def percent(value: float | None, digits: int = 2) -> str:
    """Return a share in percent."""
    return "none" if value is None else f"{value:.{digits}%}"


def decimal(value: float | None, digits: int = 3) -> str:
    """Return a number with this many decimals."""
    return "none" if value is None else f"{value:.{digits}f}"


def ratio(part: float, whole: float) -> float | None:
    """Return a part of a whole; None of nothing."""
    return part / whole if whole else None
