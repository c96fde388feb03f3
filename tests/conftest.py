"""Fixtures that many tests share: one Spark session, small configurations, an event builder."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from pyspark.sql import SparkSession

from tests.object_storage import ObjectStorage, object_storage
from uae_model.config import Config, load_config
from uae_model.lake import TableStore
from uae_model.lake.spark import SPARK_CONF_FOLDER, start_spark

# Thousands of tests are objects that stay: looking through them again and again is a fifth of collection.
gc.set_threshold(100_000, 50, 50)

# Loopback only: a CI machine's host name may resolve to an address that nothing listens on.
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

# A loaded machine makes no property false; the same examples every time make a failure repeatable.
settings.register_profile("uae", deadline=None, derandomize=True)
settings.load_profile("uae")

TEST_SPARK_CONF = Path(__file__).parent / "spark.conf"
LONG_SPARK_CONF = Path(__file__).parent / "spark_long.conf"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """Start one local session for the whole run, with the settings of spark_conf/local.conf and few tasks."""
    files = [SPARK_CONF_FOLDER / "local.conf", TEST_SPARK_CONF, LONG_SPARK_CONF]
    session = start_spark("tests", files)
    yield session
    session.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the Spark session, directly or through another fixture: `make quick` leaves it out."""
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def s3() -> Iterator[ObjectStorage]:
    """Start a server of S3 once for the whole run."""
    with object_storage() as storage:
        yield storage


@pytest.fixture
def make_config(tmp_path: Path) -> Any:
    """Return a function that builds a configuration whose paths lie in the test's folder."""

    def build(*overrides: str, profile: str = "default") -> Config:
        file = tmp_path / "uae.toml"
        file.touch()
        return load_config(file, profile=profile, overrides=overrides)

    return build


@pytest.fixture
def config(make_config: Any) -> Config:
    """Return the default configuration with paths in the test's folder."""
    built: Config = make_config()
    return built


@pytest.fixture
def store(spark: SparkSession, config: Config) -> TableStore:
    """Return an empty table store in the test's folder."""
    return TableStore(spark, config)
