"""Each condition that the doctor knows gives its line, and nothing is created by looking."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import namedtuple
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import doctor as job
from tests.builders import write_slot
from tests.conftest import TEST_SPARK_CONF
from uae_model import spark_jars
from uae_model.config import Config
from uae_model.doctor import Finding, Status, data, failed, machine, ok, setup, summary, warning
from uae_model.errors import ConfigError, ModelError
from uae_model.feed import Feed
from uae_model.report import models
from uae_model.spark import SPARK_CONF_FOLDER
from uae_model.tables import TableStore

KEY = "an-hmac-key-of-thirty-two-bytes!"
TODAY = date(2026, 1, 10)


def java_stub(folder: Path, body: str) -> dict[str, str]:
    """Put a java that runs ``body`` on a PATH of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    java = folder / "java"
    java.write_text(f"#!/bin/sh\n{body}\n")
    java.chmod(0o755)
    return {"PATH": str(folder)}


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {found.name: found for found in findings}


class TestMachine:
    @pytest.mark.parametrize("version", ["17.0.13", "21.0.1"])
    def test_a_java_that_spark_runs_on(self, tmp_path: Path, version: str) -> None:
        found = machine.check_java(java_stub(tmp_path, f"echo 'openjdk version \"{version}\"' >&2"))
        assert (found.status, found.found) == (Status.OK, f"{version} at {tmp_path / 'java'}")

    def test_java_home_wins_over_the_path(self, tmp_path: Path) -> None:
        java_stub(tmp_path / "home" / "bin", "echo 'version \"17.0.1\"' >&2")
        path = java_stub(tmp_path / "path", "echo 'version \"11.0.2\"' >&2")
        found = machine.check_java({**path, "JAVA_HOME": str(tmp_path / "home")})
        assert found.status is Status.OK

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
        found = machine.check_java(java_stub(tmp_path, body))
        assert found.status is Status.FAILED
        assert part in found.found
        assert "install Java 17" in found.fix

    def test_no_java_fails(self, tmp_path: Path) -> None:
        assert "not found (looked for java)" in machine.check_java({"PATH": str(tmp_path)}).found
        elsewhere = machine.check_java({"PATH": os.environ["PATH"], "JAVA_HOME": str(tmp_path)})
        assert (elsewhere.status, str(tmp_path) in elsewhere.found) == (Status.FAILED, True)

    def test_a_java_that_cannot_start_fails(self, tmp_path: Path) -> None:
        environment = java_stub(tmp_path, "")
        (tmp_path / "java").write_bytes(b"\x7fELF no program")
        found = machine.check_java(environment)
        assert found.status is Status.FAILED

    def test_python(self) -> None:
        assert machine.check_python((3, 11, 9)).status is Status.OK
        found = machine.check_python((3, 12, 1))
        assert str(found).startswith("FAILED   python: 3.12.1; the pinned packages need 3.11 -> ")

    def test_the_installed_packages_are_the_pinned_ones(self) -> None:
        findings = machine.check_packages()
        assert [found.name for found in findings] == [f"package {name}" for name in machine.HINGES]
        assert {found.status for found in findings} == {Status.OK}

    def test_other_missing_and_unpinned_packages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(machine, "HINGES", ("pyarrow", "numpy", "no-such-package"))
        findings = by_name(machine.check_packages(["pyarrow==15.0.0", "numpy<2", "no-such-package==1"]))
        assert findings["package pyarrow"].status is Status.FAILED
        assert "15.0.0 is pinned" in findings["package pyarrow"].found
        assert findings["package numpy"].status is Status.WARNING
        assert findings["package no-such-package"].found == "not installed"

    def test_a_project_that_is_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def missing(name: str) -> list[str]:
            raise machine.importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr(machine.importlib.metadata, "requires", missing)
        assert [found.status for found in machine.check_packages()] == [Status.FAILED]

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
        assert "none visible" in machine.check_gpu().found
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"card {index}")
        assert machine.check_gpu().found == "card 0, card 1"


class TestKey:
    def test_from_the_environment(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UAE_HMAC_KEY", KEY)
        found = setup.check_key(config)
        assert found.status is Status.OK
        assert KEY not in str(found)

    @pytest.mark.parametrize("value", ["", "short"])
    def test_missing_or_short(self, config: Config, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("UAE_HMAC_KEY", value)
        found = setup.check_key(config)
        assert found.status is Status.FAILED
        assert f"holds {len(value)} bytes" in found.found
        assert "short" not in str(found)

    def test_a_file_that_others_may_read(self, make_config: Any, tmp_path: Path) -> None:
        file = tmp_path / "hmac.key"
        file.write_text(KEY)
        file.chmod(0o644)
        config = make_config("paths.hmac_key_file=hmac.key")
        found = setup.check_key(config)
        assert (found.status, found.fix) == (Status.WARNING, f"chmod 600 {file}")
        file.chmod(0o600)
        assert setup.check_key(config).status is Status.OK

    def test_a_file_that_is_not_there_or_cannot_be_read(
        self, make_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = make_config("paths.hmac_key_file=hmac.key")
        assert "there is no such file" in setup.check_key(config).found

        def refuse(_: Config) -> bytes:
            raise PermissionError("Permission denied")

        monkeypatch.setattr(setup, "read_key", refuse)
        assert "cannot be read: Permission denied" in setup.check_key(config).found


class TestPaths:
    def test_folders_that_can_be_made_are_ok_and_not_made(self, config: Config, tmp_path: Path) -> None:
        before = sorted(tmp_path.rglob("*"))
        findings = setup.check_paths(config)
        assert {found.status for found in findings} == {Status.OK}
        assert {found.name for found in findings} >= {"paths.tables", "paths.reports", "paths.mlflow"}
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_file_in_the_way(self, make_config: Any, tmp_path: Path) -> None:
        (tmp_path / "blocked").touch()
        found = by_name(setup.check_paths(make_config("paths.tables=blocked/tables")))["paths.tables"]
        assert found.status is Status.FAILED
        assert "is a file" in found.found

    def test_a_folder_without_permission(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
        findings = setup.check_paths(config)
        assert {found.status for found in findings} == {Status.FAILED}
        assert "cannot be written by this user" in findings[0].found

    def test_remote_storage_is_not_probed(self, make_config: Any) -> None:
        config = make_config("paths.tables=s3a://bucket/tables", "paths.mlflow=http://127.0.0.1:9")
        findings = by_name(setup.check_paths(config))
        assert "is remote" in findings["paths.tables"].found
        assert "paths.mlflow" not in findings
        assert setup.check_disk(config).found == "the tables lie on remote storage"
        assert setup.local_path("file:///data/x") == Path("/data/x")

    @pytest.mark.parametrize(("free", "status"), [(1e9, "FAILED"), (5e9, "warning"), (1e12, "ok")])
    def test_disk(self, config: Config, monkeypatch: pytest.MonkeyPatch, free: float, status: str) -> None:
        usage = namedtuple("usage", "free")
        monkeypatch.setattr(setup.shutil, "disk_usage", lambda _: usage(free))
        assert setup.check_disk(config).status == status


class TestRegistry:
    def test_none_yet(self, config: Config, tmp_path: Path) -> None:
        assert [found.status for found in setup.check_registry(config)] == [Status.OK, Status.WARNING]
        assert not (tmp_path / "mlflow.db").exists()

    def test_no_champion_where_nights_never_train(self, make_config: Any) -> None:
        findings = setup.check_registry(make_config("nightly.train=never"))
        assert by_name(findings)["champion"].status is Status.FAILED

    def test_a_broken_database(self, config: Config, tmp_path: Path) -> None:
        (tmp_path / "mlflow.db").write_bytes(b"no database " * 100)
        (found,) = setup.check_registry(config)
        assert (found.name, found.status) == ("registry", Status.FAILED)

    def test_a_server_that_does_not_answer(self, make_config: Any) -> None:
        before = dict(os.environ)
        (found,) = setup.check_registry(make_config("paths.mlflow=http://127.0.0.1:9"))
        assert (found.name, found.status) == ("registry", Status.FAILED)
        assert (
            setup.MLFLOW_PATIENCE.keys() & os.environ.keys() == setup.MLFLOW_PATIENCE.keys() & before.keys()
        )

    @pytest.mark.parametrize(
        ("versions", "error", "status", "part"),
        [
            (None, None, Status.WARNING, "none yet"),
            ((3, 4), None, Status.OK, "attention version 3, propensity version 4"),
            ((3, 4), ModelError("other features"), Status.FAILED, "other features"),
            ((3, 4), OSError("no artifacts"), Status.FAILED, "cannot be loaded: no artifacts"),
        ],
    )
    def test_champion(
        self,
        config: Config,
        monkeypatch: pytest.MonkeyPatch,
        versions: tuple[int, int] | None,
        error: Exception | None,
        status: Status,
        part: str,
    ) -> None:
        def load() -> None:
            if error is not None:
                raise error

        registry = SimpleNamespace(champion_versions=lambda: versions, champion=load)
        monkeypatch.setattr(setup, "open_registry", lambda _: registry)
        found = by_name(setup.check_registry(config))["champion"]
        assert found.status is status
        assert part in found.found


def empty_day(store: TableStore, name: str, day: date, rows: list[list[Any]]) -> None:
    frame = store.spark.createDataFrame(rows, store.contract(name).schema)
    store.replace_day(name, day, frame, {"step": "test"})


def publication(store: TableStore, day: date) -> list[Any]:
    row = {
        "table_name": "weights",
        "status": "published",
        "checks": [],
        "run_id": "r",
        "config": "{}",
        "dt": day,
    }
    return [
        row.get(name, 1 if "mean" not in name and "quantiles" not in name else None)
        for name in store.contract("publications").columns
    ]


class TestData:
    def test_nothing_there_is_a_warning_and_stays_nothing(self, store: TableStore, tmp_path: Path) -> None:
        findings = by_name(data.check_data(store, TODAY))
        assert {found.status for found in findings.values()} == {Status.WARNING}
        assert set(findings) == {
            *("table events", "table quarantine", "table plays", "table weights", "table publications"),
            *("feed", "published"),
        }
        assert "with the marker _SUCCESS" in findings["feed"].found
        assert not (tmp_path / "tables").exists()

    def test_published_days_and_waiting_ones(self, store: TableStore, tmp_path: Path) -> None:
        day = date(2026, 1, 5)
        empty_day(store, "publications", day, [publication(store, day)])
        for number in (5, 6):
            write_slot(tmp_path / "feed", date(2026, 1, number), [])
        assert data.last_published(store) == day
        found = by_name(data.check_data(store, TODAY))
        assert found["table publications"].status is Status.OK
        assert found["published"].found == "last day 2026-01-05"
        assert found["feed"].found == "complete up to dt=2026-01-06"
        # two more days of feed close the 6th and, but for its last hours, the 7th
        for number in (7, 8):
            write_slot(tmp_path / "feed", date(2026, 1, number), [])
        waiting = by_name(data.check_data(store, TODAY))["published"]
        assert waiting.status is Status.WARNING
        assert waiting.found == "last day 2026-01-05; 2 more days are closed"
        assert waiting.fix == "run uae backfill --from 2026-01-06 --to 2026-01-07"

    def test_a_table_of_another_shape(self, store: TableStore, spark: SparkSession) -> None:
        builder = DeltaTable.create(spark).location(store.path("plays"))
        builder.addColumn("position", "string").addColumn("dt", "date").execute()
        found = data.check_table(store, "plays")
        assert found.status is Status.FAILED
        assert found.found == "position is string, not int"
        DeltaTable.create(spark).location(store.path("events")).addColumn("dt", "date").execute()
        found = data.check_table(store, "events")
        assert found.status is Status.WARNING
        assert found.found.startswith("has no column event_id, user_id")

    def test_the_newest_slot_of_a_feed_without_publication(self, store: TableStore, tmp_path: Path) -> None:
        write_slot(tmp_path / "feed", date(2026, 1, 4), [])
        feed = Feed(store.spark, store.config)
        slot = data.newest_slot(feed, None, TODAY)
        assert slot is not None
        assert slot.day == date(2026, 1, 4)
        # nothing follows the last published day: what is there before it is found all the same
        assert data.newest_slot(feed, date(2026, 1, 9), TODAY) == slot

    def test_a_static_feed(self, spark: SparkSession, make_config: Any, tmp_path: Path) -> None:
        config = make_config("paths.feed=all")
        feed = Feed(spark, config)
        assert data.newest_slot(feed, None, TODAY) is None
        (tmp_path / "all").mkdir()
        slot = data.newest_slot(feed, None, TODAY)
        assert slot is not None
        assert slot.day is None
        assert by_name(data.check_data(TableStore(spark, config), TODAY))["feed"].status is Status.OK


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
        assert "weights.gamma" in findings[-1].found

    @pytest.mark.usefixtures("healthy")
    def test_a_spark_that_does_not_start_is_a_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(name: str, files: Any) -> None:
            raise ConfigError("no catalog\nmore")

        monkeypatch.setattr(job, "start_spark", refuse)
        found = job.doctor(self.arguments())[-1]
        assert (found.status, found.found) == (Status.FAILED, "no catalog")

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
        assert sorted(each.name for each in tmp_path.iterdir()) == ["java", "uae.toml"]


def test_findings_are_counted_by_status() -> None:
    found = summary([ok("a", ""), warning("b", ""), failed("c", "", "mend it"), failed("d", "", "mend it")])
    assert (found["ok"], found["warnings"], found["failed"]) == (1, 1, 2)
    assert (found["warning_checks"], found["failed_checks"]) == (["b"], ["c", "d"])


def test_an_sqlite_registry_is_opened_only_where_it_exists(config: Config, tmp_path: Path) -> None:
    assert models.open_registry(config) is None
    assert list(tmp_path.glob("mlflow*")) == []
