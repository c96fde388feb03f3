"""Java, Python, packages and jars: each condition gives its line."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

import pytest

from tests.doctor.builders import by_name, java_stub
from uae_model.doctor import Status, machine
from uae_model.lake import jars as spark_jars


class TestMachine:
    @pytest.mark.parametrize("version", ["17.0.13", "21.0.1"])
    def test_a_java_that_spark_runs_on(self, tmp_path: Path, version: str) -> None:
        finding = machine.check_java(java_stub(tmp_path, f"echo 'openjdk version \"{version}\"' >&2"))
        assert (finding.status, finding.detail) == (Status.OK, f"{version} at {tmp_path / 'java'}")

    def test_java_home_wins_over_the_path(self, tmp_path: Path) -> None:
        java_stub(tmp_path / "home" / "bin", "echo 'version \"17.0.1\"' >&2")
        path = java_stub(tmp_path / "path", "echo 'version \"11.0.2\"' >&2")
        finding = machine.check_java({**path, "JAVA_HOME": str(tmp_path / "home")})
        assert finding.status is Status.OK

    @pytest.mark.parametrize(
        ("body", "part"),
        [
            ("echo 'version \"11.0.2\"' >&2", "11.0.2 at"),
            ("echo 'version \"1.8.0_292\"' >&2", "Spark 4.0 runs on 17 or 21"),
            ("exit 3", "does not tell its version (exit code 3)"),
            ("echo hello", "does not tell its version"),
        ],
    )
    def test_a_wrong_java_fails_with_the_fix(self, tmp_path: Path, body: str, part: str) -> None:
        finding = machine.check_java(java_stub(tmp_path, body))
        assert finding.status is Status.FAILED
        assert part in finding.detail
        assert "install Java 17" in finding.fix

    def test_no_java_fails(self, tmp_path: Path) -> None:
        assert "not found (looked for java)" in machine.check_java({"PATH": str(tmp_path)}).detail
        elsewhere = machine.check_java({"PATH": os.environ["PATH"], "JAVA_HOME": str(tmp_path)})
        assert (elsewhere.status, str(tmp_path) in elsewhere.detail) == (Status.FAILED, True)

    def test_a_java_that_cannot_start_fails(self, tmp_path: Path) -> None:
        environment = java_stub(tmp_path, "")
        (tmp_path / "java").write_bytes(b"\x7fELF no program")
        finding = machine.check_java(environment)
        assert finding.status is Status.FAILED

    def test_python(self) -> None:
        assert machine.check_python((3, 11, 9)).status is Status.OK
        finding = machine.check_python((3, 12, 1))
        assert str(finding).startswith("FAILED   python: 3.12.1; the pinned packages need 3.11 -> ")

    def test_the_installed_packages_are_the_pinned_ones(self) -> None:
        findings = machine.check_packages()
        assert [finding.name for finding in findings] == [
            f"package {name}" for name in machine.PINNED_TOGETHER
        ]
        assert {finding.status for finding in findings} == {Status.OK}

    def test_other_missing_and_unpinned_packages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine, "PINNED_TOGETHER", ("pyarrow", "numpy", "no-such-package"))
        findings = by_name(
            machine.check_packages(
                [
                    'pyarrow==15.0.0; extra == "spark"',
                    "pyarrow>=14",
                    'numpy<2; extra == "spark"',
                    "no-such-package==1",
                ]
            )
        )
        assert findings["package pyarrow"].status is Status.FAILED
        assert "15.0.0 is pinned" in findings["package pyarrow"].detail
        assert findings["package numpy"].status is Status.WARNING
        assert findings["package no-such-package"].detail == "not installed"

    def test_a_project_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> list[str]:
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr("importlib.metadata.requires", missing)
        assert [finding.status for finding in machine.check_packages()] == [Status.FAILED]

    def test_delta_jars(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        assert machine.check_jars().status is Status.OK
        monkeypatch.setattr(spark_jars, "jar_folder", lambda: tmp_path)
        assert machine.check_jars().status is Status.WARNING
        (tmp_path / "io.delta_delta-spark_4.0_2.13-4.0.0.jar").touch()
        assert machine.check_jars().status is Status.FAILED
        (tmp_path / "io.delta_delta-spark_4.0_2.13-4.4.0.jar").touch()
        assert machine.check_jars().status is Status.OK

    def test_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        assert "none visible" in machine.check_gpu().detail
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"card {index}")
        assert machine.check_gpu().detail == "card 0, card 1"
