"""Key, paths and registry: each condition gives its line, and nothing is created by looking."""

from __future__ import annotations

import os
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.doctor.builders import KEY, by_name
from uae_model.config import Config
from uae_model.core.errors import ModelError
from uae_model.doctor import Status, setup
from uae_model.registry.opening import open_registry


class TestKey:
    def test_from_the_environment(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UAE_HMAC_KEY", KEY)
        finding = setup.check_key(config)
        assert finding.status is Status.OK
        assert KEY not in str(finding)

    @pytest.mark.parametrize("value", ["", "short"])
    def test_missing_or_short(self, config: Config, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv("UAE_HMAC_KEY", value)
        finding = setup.check_key(config)
        assert finding.status is Status.FAILED
        assert f"holds {len(value)} bytes" in finding.detail
        assert "short" not in str(finding)

    def test_a_file_that_others_may_read(self, make_config: Any, tmp_path: Path) -> None:
        file = tmp_path / "hmac.key"
        file.write_text(KEY)
        file.chmod(0o644)
        config = make_config("paths.hmac_key_file=hmac.key")
        finding = setup.check_key(config)
        assert (finding.status, finding.fix) == (Status.WARNING, f"chmod 600 {file}")
        file.chmod(0o600)
        assert setup.check_key(config).status is Status.OK

    def test_a_file_that_is_not_there_or_cannot_be_read(
        self, make_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = make_config("paths.hmac_key_file=hmac.key")
        assert "there is no such file" in setup.check_key(config).detail

        def refuse(_: Config) -> bytes:
            raise PermissionError("Permission denied")

        monkeypatch.setattr(setup, "read_key", refuse)
        assert "cannot be read: Permission denied" in setup.check_key(config).detail


class TestPaths:
    def test_folders_that_can_be_made_are_ok_and_not_made(self, config: Config, tmp_path: Path) -> None:
        before = sorted(tmp_path.rglob("*"))
        findings = setup.check_paths(config)
        assert {finding.status for finding in findings} == {Status.OK}
        assert {finding.name for finding in findings} >= {"paths.tables", "paths.reports", "paths.mlflow"}
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_file_in_the_way(self, make_config: Any, tmp_path: Path) -> None:
        (tmp_path / "blocked").touch()
        finding = by_name(setup.check_paths(make_config("paths.tables=blocked/tables")))["paths.tables"]
        assert finding.status is Status.FAILED
        assert "is a file" in finding.detail

    def test_a_folder_without_permission(self, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
        findings = setup.check_paths(config)
        assert {finding.status for finding in findings} == {Status.FAILED}
        assert "cannot be written by this user" in findings[0].detail

    def test_remote_storage_is_not_probed(self, make_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        config = make_config("paths.tables=s3a://bucket/tables", "paths.mlflow=http://127.0.0.1:9")
        findings = by_name(setup.check_paths(config))
        assert "is remote" in findings["paths.tables"].detail
        assert "paths.mlflow" not in findings
        assert setup.check_disk(config).detail == "the tables lie on remote storage"
        assert findings["s3"].status is Status.OK
        monkeypatch.setitem(sys.modules, "boto3", None)
        missing = by_name(setup.check_paths(config))["s3"]
        assert (missing.status, missing.detail) == (Status.FAILED, "the package boto3 is not installed")
        assert setup.local_path("file:///data/x") == Path("/data/x")

    @pytest.mark.parametrize(("free", "status"), [(1e9, "FAILED"), (5e9, "warning"), (1e12, "ok")])
    def test_disk(self, config: Config, monkeypatch: pytest.MonkeyPatch, free: float, status: str) -> None:
        usage = namedtuple("usage", "free")
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage(free))
        assert setup.check_disk(config).status == status


class TestRegistry:
    def test_none_yet(self, config: Config, tmp_path: Path) -> None:
        assert [finding.status for finding in setup.check_registry(config)] == [Status.OK, Status.WARNING]
        assert not (tmp_path / "mlflow.db").exists()

    def test_no_champion_where_nights_never_train(self, make_config: Any) -> None:
        findings = setup.check_registry(make_config("nightly.train=never"))
        assert by_name(findings)["champion"].status is Status.FAILED

    def test_a_broken_database(self, config: Config, tmp_path: Path) -> None:
        (tmp_path / "mlflow.db").write_bytes(b"no database " * 100)
        (finding,) = setup.check_registry(config)
        assert (finding.name, finding.status) == ("registry", Status.FAILED)

    def test_a_server_that_does_not_answer(self, make_config: Any) -> None:
        before = dict(os.environ)
        (finding,) = setup.check_registry(make_config("paths.mlflow=http://127.0.0.1:9"))
        assert (finding.name, finding.status) == ("registry", Status.FAILED)
        assert (
            setup.MLFLOW_PATIENCE.keys() & os.environ.keys() == setup.MLFLOW_PATIENCE.keys() & before.keys()
        )

    @pytest.mark.parametrize(
        ("versions", "error", "status", "part"),
        [
            (None, None, Status.WARNING, "none yet"),
            ((3, 4), None, Status.OK, "attention version 3, propensity version 4"),
            ((2, 4), None, Status.WARNING, "attention version 2 scores, but was registered before"),
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

        registry = SimpleNamespace(
            champion_versions=lambda: versions, champion=load, has_digest=lambda version: version == 3
        )
        monkeypatch.setattr(setup, "open_registry", lambda _: registry)
        finding = by_name(setup.check_registry(config))["champion"]
        assert finding.status is status
        assert part in finding.detail


def test_an_sqlite_registry_is_opened_only_where_it_exists(config: Config, tmp_path: Path) -> None:
    assert open_registry(config) is None
    assert list(tmp_path.glob("mlflow*")) == []
