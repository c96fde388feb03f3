"""A job that runs on the shared session, with a registry that stands in."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.cli import STEPS
from tests.jobs.stand_ins import Registry
from uae_model.pipeline import job as job_module


@pytest.fixture(autouse=True)
def _kept_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the session that other tests share from jobs, which stop theirs when they end."""
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[dict[str, Any]], str]]:
    """Return a function that runs a job on the shared session: exit code, lines of stdout, last of stderr."""
    for step in STEPS:  # a module that is first imported below would keep what stands in for the real thing
        importlib.import_module(f"jobs.{step}")
    monkeypatch.setattr(job_module, "start_spark", lambda name, files: spark)
    monkeypatch.setattr(job_module, "registry_of", Registry)
    (tmp_path / "uae.toml").write_text('[feed]\nformat = "jsonl"\n')

    def call(step: str, *options: str, **steps: Callable[..., Any]) -> tuple[int, list[dict[str, Any]], str]:
        module = importlib.import_module(f"jobs.{step}")
        if hasattr(module, "registry_of"):
            monkeypatch.setattr(module, "registry_of", Registry)
        for name, fake in steps.items():
            assert hasattr(module, name)
            monkeypatch.setattr(module, name, fake)
        code = module.main(["--config", str(tmp_path / "uae.toml"), "--log-level", "ERROR", *options])
        captured = capsys.readouterr()
        errors = captured.err.splitlines()
        return code, [json.loads(line) for line in captured.out.splitlines()], errors[-1] if errors else ""

    return call
