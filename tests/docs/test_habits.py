"""The checks before a commit and in CI are those of this repository, and need no package registry."""

from __future__ import annotations

import tomllib
from typing import Any

import yaml

from tests.docs.pages import ROOT


def workflow() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    return content


def hooks() -> list[dict[str, Any]]:
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    hooks: list[dict[str, Any]] = repositories[0]["hooks"]
    return hooks


def test_the_workflow_runs_what_every_ci_runs() -> None:
    commands = [step["run"] for step in workflow()["jobs"]["test"]["steps"] if "run" in step]
    assert commands == [".ci/run"]
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "make test"


def test_hooks_run_what_set_up_installed() -> None:
    assert {hook["id"] for hook in hooks()} >= {"ruff", "ruff-format", "rooms", "reference"}
    for hook in hooks():
        program, *arguments = hook["entry"].split()
        assert hook["language"] == "system"
        assert (ROOT / program).is_file(), hook["id"]
        scripts = [argument for argument in arguments if argument.endswith(".py")]
        assert all((ROOT / script).is_file() for script in scripts), hook["id"]


def test_the_licence_is_stated_once_and_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    for name in project["license-files"]:
        assert "Apache License" in (ROOT / name).read_text()
