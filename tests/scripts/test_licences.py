"""Licences are what packages state of themselves; one that states none is read by a person."""

from __future__ import annotations

import importlib.metadata
from email.message import Message
from pathlib import Path

import pytest

from scripts.licences import READ, licence_in, licences, metadata_of, other_platforms, pinned
from tests.docs.pages import ROOT

LOCKS = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")


def metadata(**stated: str | list[str]) -> Message:
    message = Message()
    for name, values in stated.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("stated", "licence"),
    [
        (metadata(License_Expression="MIT", License="the text"), "MIT"),
        (metadata(Classifier=["License :: OSI Approved :: BSD License", "Topic :: X"]), "BSD License"),
        (metadata(Classifier=["License :: OSI Approved"], License="BSD-3-Clause"), "BSD-3-Clause"),
        (metadata(License="MIT License\n\nPermission is hereby granted"), ""),
        (metadata(), ""),
    ],
)
def test_the_most_exact_statement_counts(stated: Message, licence: str) -> None:
    assert licence_in(stated) == licence


def test_a_package_that_states_none_has_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("huey==3.5.4 \\\n    --hash=sha256:0\n")
    assert licences(lock) == [("huey", "3.5.4", "MIT")]
    monkeypatch.delitem(READ, "huey")
    with pytest.raises(LookupError, match="huey states no licence: read its LICENSE"):
        licences(lock)


def test_no_package_was_read_that_states_its_licence() -> None:
    for name in READ:
        assert licence_in(metadata_of(name)) == "", name


def test_packages_of_other_platforms_are_told_apart() -> None:
    others = other_platforms(LOCKS)
    assert "pywin32" in others
    locked = {one.name for lock in LOCKS for one in pinned(lock)}
    listed = {name for lock in LOCKS for name, *_ in licences(lock)}
    assert listed | set(others) == locked


def test_what_is_listed_is_what_is_installed() -> None:
    for lock in LOCKS:
        for name, version, _ in licences(lock):
            assert importlib.metadata.version(name) == version, name
