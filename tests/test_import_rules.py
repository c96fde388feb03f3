"""The import rules of pyproject.toml: the packages keep them, and each notices its breach in a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

BREACHES = {
    "rooms": [
        ("uae_model.core.dates", "uae_model.config"),
        ("uae_model.lake.store", "uae_model.sessions.cut"),
        ("uae_model.ingest.feed", "uae_model.sessions.cut"),  # neighbours do not know each other
        ("uae_model.readers.arrow", "uae_model.scoring.udf"),
        ("uae_model.training.loop", "uae_model.registry.client"),
        ("uae_model.evaluation.metrics", "uae_model.report.page"),
    ],
    "night": [
        ("uae_model.pipeline.steps.plays", "uae_model.pipeline.runner"),
        ("uae_model.pipeline.currency", "uae_model.pipeline.steps.feed"),
        ("uae_model.pipeline.runner", "uae_model.pipeline.plan"),
    ],
    "no-spark": [
        ("uae_model.models.networks", "pyspark.sql"),
        ("uae_model.estimators.uae", "pyspark"),
        ("uae_model.training.fit", "delta"),
        ("uae_model.first_contact.sample", "pyspark.sql"),
    ],
    "light-readers": [
        ("uae_model.readers.arrow", "torch"),
        ("uae_model.readers.days", "pyspark"),
        ("uae_model.readers.delta_log", "uae_model.readers.torch"),  # not even through another file
    ],
    "readers-of-frames": [
        ("uae_model.readers.pandas", "torch"),
        ("uae_model.readers.polars", "uae_model.readers.spark"),
    ],
    "spark-reader": [("uae_model.readers.spark", "torch"), ("uae_model.readers.spark", "pandas")],
    "torch-reader": [("uae_model.readers.torch", "pyspark")],
    "thin-jobs": [
        ("jobs.nightly", "uae_model.sessions.cut"),
        ("jobs.common", "uae_model.lake.spark"),
        ("jobs.train", "torch"),
    ],
}
"""By contract: a module, and what it may not import."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the packages and of the rules."""
    for package in ("uae_model", "jobs"):
        shutil.copytree(
            REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy2(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path, contract: str | None = None) -> subprocess.CompletedProcess[str]:
    """Check the imports of a folder's packages, by one contract or by all."""
    chosen = [] if contract is None else ["--contract", contract]
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", *chosen]
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_the_packages_keep_all_rules(copy: Path) -> None:
    linted = lint(copy)
    assert linted.returncode == 0, linted.stdout
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in linted.stdout


def test_every_rule_has_a_breach_below() -> None:
    assert [contract["id"] for contract in CONTRACTS] == list(BREACHES)


@pytest.mark.slow
@pytest.mark.parametrize("contract", BREACHES)
def test_each_breach_is_noticed(copy: Path, contract: str) -> None:
    for number, (importer, imported) in enumerate(BREACHES[contract]):
        file = copy / f"{importer.replace('.', '/')}.py"
        # Where imports hide best: inside a function.
        file.write_text(f"{file.read_text()}\n\ndef breach_{number}() -> None:\n    import {imported}\n")
    linted = lint(copy, contract)
    assert linted.returncode == 1
    assert "Contracts: 0 kept, 1 broken." in linted.stdout
    for importer, imported in BREACHES[contract]:
        package = imported if imported.startswith("uae_model") else imported.partition(".")[0]
        assert f"{importer} -> {package} " in linted.stdout


@pytest.mark.slow
def test_a_room_without_a_place_is_noticed(copy: Path) -> None:
    (copy / "uae_model" / "attic").mkdir()
    (copy / "uae_model" / "attic" / "__init__.py").write_text("")
    linted = lint(copy, "rooms")
    assert linted.returncode == 1
    assert "attic" in linted.stdout
