"""Values as text: numbers that are ids, and what JSON and Arrow hold beside text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from uae_model.ingest.files.layout import LARGEST_EXACT

WHOLE_FLOAT = re.compile(r"[+-]?(\d+\.0*|\d\.\d+[eE]\+?\d+|\d[eE]\+\d+)")
"""A whole number as programs write it that hold it in a floating-point number.

C and Python write 7.0, 1.2345678e+07 and 1e+16, Java 1.2345678E7, R 1e+05. What has neither a point nor a
plus, such as 12e4, may be a name.
"""


def may_be_float(texts: str) -> bool:
    """Tell whether one of some joined texts can be what ``WHOLE_FLOAT`` says."""
    return "." in texts or "+" in texts


class NotExactError(ValueError):
    """A floating-point number is too large to name one thing alone."""


class JsonNumber(str):
    """A number with a point or an exponent, as it stands in the JSON text."""

    __slots__ = ()


def id_of_number(text: str) -> str:
    """Return the id that a floating-point number stands for.

    Raises:
        NotExactError: if it is whole and above 2^53.
    """
    try:
        number = Decimal(text)
        is_whole, is_exact = number == number.to_integral_value(), abs(number) <= LARGEST_EXACT
    except ArithmeticError as error:  # an exponent beyond all bounds
        raise NotExactError(text) from error
    if is_whole and not is_exact:
        raise NotExactError(text)
    return str(int(number)) if is_whole else text


def id_of_text(text: str) -> str:
    """Return an untyped id: 7.0 is 7, any other text is what it is.

    Raises:
        NotExactError: if it is a floating-point number above 2^53.
    """
    stripped = text.strip(" ")
    return id_of_number(stripped) if WHOLE_FLOAT.fullmatch(stripped) else text


def text_of_decimal(value: Decimal) -> str:
    """Return a decimal number as text, a whole one as such; it is exact, however large."""
    return str(int(value)) if value == value.to_integral_value() else str(value)


def text_of_float(value: float, *, is_id: bool, is_label: bool = False) -> str | None:
    """Return a floating-point number as text; an id that is no number is missing.

    Raises:
        NotExactError: if it is an id above 2^53.
    """
    if is_id or is_label:
        if math.isnan(value) or (is_id and math.isinf(value)):
            return None
        if is_id:
            return id_of_number(repr(value))
        if value.is_integer() and abs(value) <= LARGEST_EXACT:
            return str(int(value))
    return repr(value)


def text_of_json(value: Any, *, is_id: bool, is_label: bool = False) -> str | None:
    """Return a value of JSON as text; objects and lists stay JSON.

    Raises:
        NotExactError: if it is an id above 2^53 that is written as a floating-point number.
    """
    if isinstance(value, JsonNumber):
        if is_id:
            return id_of_number(str(value))
        value = float(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return text_of_float(value, is_id=is_id, is_label=is_label)
    if isinstance(value, int):
        return str(value)
    return json.dumps(_with_floats(value), separators=(",", ":"), ensure_ascii=False, default=str)


def _with_floats(value: Any) -> Any:
    """Return a value of JSON as orjson reads it: its text is the same, whichever parser a line takes."""
    if isinstance(value, JsonNumber):
        return float(value)
    if isinstance(value, dict):
        return {name: _with_floats(part) for name, part in value.items()}
    return [_with_floats(part) for part in value] if isinstance(value, list) else value


def is_plain(values: Sequence[Any]) -> bool:
    """Tell whether all values are text or missing already."""
    return {str, type(None)}.issuperset(map(type, values))
