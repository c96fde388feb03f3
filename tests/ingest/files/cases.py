"""A damaged file, and what is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.ingest.files.writers import PLAYS, WRITERS
from uae_model.ingest.files.layout import Form


@dataclass(frozen=True)
class Case:
    """A file, how it is called, and what has to become of it.

    ``rows`` are good, ``bad`` are in quarantine; ``error`` are words of the line that refuses the file.
    """

    form: Form
    content: bytes
    rows: int = 0
    bad: int = 0
    error: str = ""
    name: str = "a"
    settings: dict[str, object] = field(default_factory=dict)
    values: Mapping[str, Sequence[object]] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


def with_artist(form: Form, artist: str) -> bytes:
    """Return a file of three plays, the second of a certain artist."""
    return WRITERS[form]([PLAYS[0], {**PLAYS[1], "artist": artist}, PLAYS[2]])
