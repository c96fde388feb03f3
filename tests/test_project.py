"""What the project states about itself: one version, and requirements that agree wherever they stand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from uae_model import __version__

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def requirements(lines: list[str]) -> dict[str, Requirement]:
    parsed = (Requirement(line) for line in lines if line.strip() and not line.startswith(("#", "-")))
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


def pinned(file: str) -> dict[str, list[str]]:
    """Return the versions that a lock file names for each package; some depend on the platform."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;]+)", (ROOT / file).read_text(), re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def test_requirements_in_is_the_extras_together() -> None:
    listed = requirements((ROOT / "requirements.in").read_text().splitlines())
    extras = requirements([line for name in ("spark", "train") for line in EXTRAS[name]])
    assert {name: str(one.specifier) for name, one in extras.items()} == {
        name: str(one.specifier) for name, one in listed.items()
    }
    assert EXTRAS["all"] == ["uae[spark,train]"]


@pytest.mark.parametrize("name", ["spark", "train"])
def test_extras_agree_where_they_name_the_same_package(name: str) -> None:
    own = requirements(EXTRAS[name])
    others = [requirements(EXTRAS[other]) for other in ("spark", "train") if other != name]
    for other in others:
        assert {key: str(own[key]) for key in own.keys() & other.keys()} == {
            key: str(other[key]) for key in own.keys() & other.keys()
        }


def test_every_requirement_is_met_by_the_lock_file() -> None:
    locked = pinned("requirements.txt")
    lines = [*PROJECT["dependencies"], *EXTRAS["spark"], *EXTRAS["train"]]
    for requirement in map(Requirement, lines):
        versions = locked[canonicalize_name(requirement.name)]
        assert any(requirement.specifier.contains(version) for version in versions), str(requirement)


def test_the_base_install_is_what_reading_takes() -> None:
    assert list(requirements(PROJECT["dependencies"])) == ["pyarrow"]


def test_the_version_is_stated_once() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    stated = [
        file.name
        for folder in ("uae_model", "jobs", "scripts")
        for file in (ROOT / folder).rglob("*.*")
        if file.suffix in (".py", ".sh", ".conf", ".toml") and f'{__version__}"' in file.read_text()
    ]
    assert stated == ["__init__.py"]
