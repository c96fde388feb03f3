"""The job: a line for each check, a summary, an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import doctor as job
from tests.conftest import TEST_SPARK_CONF
from tests.doctor.builders import KEY, java_stub
from uae_model.core.errors import ConfigError
from uae_model.doctor import Status, failed, ok, summary, warning
from uae_model.lake.spark import SPARK_CONF_FOLDER


class TestJob:
    def arguments(self, **other: Any) -> Any:
        conf = [SPARK_CONF_FOLDER / "local.conf", TEST_SPARK_CONF]
        return SimpleNamespace(
            **{"config": None, "profile": None, "overrides": [], "spark_conf": conf, **other}
        )

    @pytest.fixture
    def healthy(self, monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> None:
        """Leave only what the job itself does; the checks have tests of their own."""
        monkeypatch.setattr(job, "check_machine", lambda: [ok("java", "17")])
        monkeypatch.setattr(job, "check_setup", lambda config: [warning("disk", "little", "free space")])
        monkeypatch.setattr(job, "check_data", lambda store: [ok("published", "2026-01-05")])
        monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)  # keep the shared session

    @pytest.mark.usefixtures("healthy")
    def test_a_line_for_each_check_and_a_summary(self, capsys: pytest.CaptureFixture[str]) -> None:
        job.doctor(self.arguments())
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "ok       java: 17"
        assert lines[1].startswith("ok       configuration: valid, digest ")
        assert lines[2] == "warning  disk: little -> free space"
        assert lines[3].startswith("ok       spark: 4.0")
        assert json.loads(lines[-1]) == {
            **{"ok": 4, "warnings": 1, "failed": 0, "warning_checks": ["disk"], "failed_checks": []},
        }

    @pytest.mark.usefixtures("healthy")
    def test_the_exit_code_is_zero_only_without_a_failure(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        conf = ["--spark-conf", str(SPARK_CONF_FOLDER / "local.conf"), "--spark-conf", str(TEST_SPARK_CONF)]
        assert job.main(conf) == 0
        monkeypatch.setattr(job, "check_machine", lambda: [failed("java", "none", "install it")])
        assert job.main(conf) == 1
        out = capsys.readouterr().out
        assert "FAILED   java: none -> install it" in out
        assert "FAILED   spark: not started" in out
        assert json.loads(out.splitlines()[-1])["failed_checks"] == ["java", "spark"]

    @pytest.mark.usefixtures("healthy")
    def test_a_wrong_configuration_is_a_line(self) -> None:
        findings = job.doctor(self.arguments(overrides=["weights.gamma=-1"]))
        assert findings[-1].name == "configuration"
        assert "weights.gamma" in findings[-1].detail

    @pytest.mark.usefixtures("healthy")
    def test_a_spark_that_does_not_start_is_a_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(step: str, config: Any, files: Any) -> None:
            raise ConfigError("no catalog\nmore")

        monkeypatch.setattr(job, "open_job", refuse)
        finding = job.doctor(self.arguments())[-1]
        assert (finding.status, finding.detail) == (Status.FAILED, "no catalog")

    @pytest.mark.slow
    def test_a_wrong_java_on_the_path(self, tmp_path: Path) -> None:
        java_stub(tmp_path, "echo 'openjdk version \"11.0.2\"' >&2")
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "UAE_HMAC_KEY": KEY}
        environment.pop("JAVA_HOME", None)
        (tmp_path / "uae.toml").touch()
        command = [sys.executable, "-m", "jobs.cli", "doctor", "--config", str(tmp_path / "uae.toml")]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1
        lines = done.stdout.splitlines()
        assert lines[0].startswith("FAILED   java: 11.0.2 at ")
        assert json.loads(lines[-1])["failed_checks"] == ["java", "spark"]
        assert KEY not in done.stdout + done.stderr
        assert sorted(path.name for path in tmp_path.iterdir()) == ["java", "uae.toml"]


def test_findings_are_counted_by_status() -> None:
    counts = summary([ok("a", ""), warning("b", ""), failed("c", "", "mend it"), failed("d", "", "mend it")])
    assert (counts["ok"], counts["warnings"], counts["failed"]) == (1, 1, 2)
    assert (counts["warning_checks"], counts["failed_checks"]) == (["b"], ["c", "d"])
