"""On S3 one process at a time writes tables; those that only look come in beside it."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.common import LOOKING, WITHOUT_TABLES, add_day, job_parser, run, start
from tests.object_storage import ObjectStorage
from uae_model.core.any_storage import filesystem_of
from uae_model.core.locks import alone_in
from uae_model.pipeline import job as job_module
from uae_model.pipeline.writers import SINGLE_DRIVER, WRITERS_LEASE

pytestmark = pytest.mark.slow
MANY = "io.delta.storage.S3DynamoDBLogStore"


@pytest.fixture
def conf(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Stand in for Spark; return the settings of its session, to be changed."""
    settings: dict[str, str] = {}
    session = SimpleNamespace(stop=lambda: None, conf=SimpleNamespace(get=settings.get))
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: session)
    monkeypatch.setattr(job_module, "start_spark", lambda *arguments: session)
    return settings


@pytest.fixture
def tables(s3: ObjectStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, conf: Any) -> str:
    """Return the URI of tables that the settings of the test name."""
    for name, value in s3.options.items():
        monkeypatch.setenv(name, value)
    tables = f"{s3.uri.replace('s3', 's3a')}/{tmp_path.name}/tables"
    (tmp_path / "uae.toml").write_text(f'[paths]\ntables = "{tables}"\n')
    return tables


def leases_during(step: str, tables: str, settings: Path, *options: str) -> tuple[int, list[str]]:
    """Run a job; return its exit code and the objects below the tables' folder while it runs."""
    parser = job_parser(step, "A job.", "uae")
    add_day(parser, "the day")
    parser.add_argument("--dry-run", action="store_true")
    found: list[str] = []

    def body(args: argparse.Namespace) -> None:
        start(step, args)
        found.extend(below(tables))

    arguments = ["--config", str(settings), "--date", "2026-01-05", *options]
    return run(parser, arguments, body), found


def below(tables: str) -> list[str]:
    filesystem, path = filesystem_of(tables)
    return [str(name).removeprefix(f"{path}/") for name in filesystem.find(path)]


def test_a_job_that_writes_is_alone_until_it_ends(tables: str, tmp_path: Path, capsys: Any) -> None:
    settings = tmp_path / "uae.toml"
    assert leases_during("nightly", tables, settings) == (0, [f"{WRITERS_LEASE}.lease"])
    assert below(tables) == []
    with alone_in(f"{tables}/{WRITERS_LEASE}", "writing"):
        capsys.readouterr()
        assert leases_during("train", tables, settings) == (3, [])
    assert f"uae train: another run is at this writing to {tables}: process" in capsys.readouterr().err


@pytest.mark.parametrize("step", WITHOUT_TABLES)
def test_jobs_that_write_no_table_come_in_beside_it(step: str, tables: str, tmp_path: Path) -> None:
    assert set(LOOKING) < set(WITHOUT_TABLES)
    assert leases_during(step, tables, tmp_path / "uae.toml") == (0, [])


def test_a_dry_run_does_too(tables: str, tmp_path: Path) -> None:
    assert leases_during("maintain", tables, tmp_path / "uae.toml", "--dry-run") == (0, [])


@pytest.mark.parametrize(
    ("key", "store", "is_alone"),
    [
        ("spark.delta.logStore.s3a.impl", MANY, False),
        ("spark.delta.logStore.class", MANY, False),
        ("spark.delta.logStore.s3.impl", MANY, True),  # of another scheme than the tables'
        ("spark.delta.logStore.s3a.impl", SINGLE_DRIVER, True),
    ],
)
def test_a_log_store_for_many_writers_lets_many_in(
    key: str, store: str, is_alone: bool, tables: str, tmp_path: Path, conf: dict[str, str]
) -> None:
    conf[key] = store
    code, found = leases_during("nightly", tables, tmp_path / "uae.toml")
    assert (code, bool(found)) == (0, is_alone)


def test_tables_of_this_machine_have_no_lease(tmp_path: Path, conf: dict[str, str]) -> None:
    (tmp_path / "uae.toml").touch()
    assert leases_during("nightly", str(tmp_path / "tables"), tmp_path / "uae.toml") == (0, [])
