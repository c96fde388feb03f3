"""Digests: short names for content, so that the same content is found again and other content never is.

A digest is the beginning of the SHA-256 of a text, in hexadecimal digits. Its length belongs to what is
stored under it: a digest of another length would not be found again, and the days that carry it would be
computed anew. So the lengths stay as they are, and have their names here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

NAME_DIGITS = 12
"""Digits of what names settings, snapshots and folders: it stands in ``run_id`` and in paths."""

CONTENT_DIGITS = 16
"""Digits of what tells whether files or rows have changed: it stands in the commits of tables."""

RESULT_DIGITS = 20
"""Digits of what names one result of an evaluation: it stands in the tags of MLflow's runs."""

FULL_DIGITS = 64
"""All digits of a SHA-256."""


def text_digest(text: str, digits: int) -> str:
    """Return the first hexadecimal digits of the SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def contents_digest(contents: Iterable[bytes]) -> str:
    """Return the full digest of several files' contents in their order."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()


def json_digest(content: Any, digits: int) -> str:
    """Return the digest of plain values: of their JSON with sorted keys, so the order of keys is no matter.

    Raises:
        TypeError: if JSON cannot hold a value.
    """
    return text_digest(json.dumps(content, sort_keys=True), digits)


def lines_digest(lines: Iterable[str], digits: int = CONTENT_DIGITS) -> str:
    """Return the digest of texts in their order, joined by line ends."""
    return text_digest("\n".join(lines), digits)
