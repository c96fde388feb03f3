"""Digests against the published SHA-256 of known texts."""

from __future__ import annotations

import pytest

from uae_model.core.digests import (
    CONTENT_DIGITS,
    FULL_DIGITS,
    NAME_DIGITS,
    json_digest,
    lines_digest,
    text_digest,
)

SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1


@pytest.mark.parametrize("digits", [NAME_DIGITS, CONTENT_DIGITS, FULL_DIGITS])
def test_a_digest_is_the_beginning_of_the_sha_256(digits: int) -> None:
    assert text_digest("abc", digits) == SHA256_OF_ABC[:digits]
    assert len(text_digest("abc", digits)) == digits


def test_the_order_of_keys_does_not_count() -> None:
    assert json_digest({"a": 1, "b": [2]}, 12) == json_digest({"b": [2], "a": 1}, 12)
    assert json_digest({"a": 1}, 12) == text_digest('{"a": 1}', 12)


def test_the_order_of_values_counts() -> None:
    assert json_digest([1, 2], 12) != json_digest([2, 1], 12)
    assert lines_digest(["a", "b"]) != lines_digest(["b", "a"])


def test_lines_are_told_apart() -> None:
    assert lines_digest(["a", "b"]) == text_digest("a\nb", 16)
    assert lines_digest(["ab"]) != lines_digest(["a", "b"])


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        json_digest({"a": {1}}, 12)
