"""One world of nights for all tests of users' data; each test gets it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.pipeline.users.nights import made, put_back


@pytest.fixture(scope="session")
def nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("users") / "nights"
    made(spark, folder)
    return folder


@pytest.fixture
def folder(nights: Path, spark: SparkSession) -> Iterator[Path]:
    yield from put_back(spark, nights)
