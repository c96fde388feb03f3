"""Two published nights, made once for all tests of the pipeline that look at them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.pipeline.nights import run_two_nights, stand_in_for_networks


@pytest.fixture(scope="session")
def pristine(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two published nights, which no test changes for good."""
    folder = tmp_path_factory.mktemp("memory") / "nights"
    with pytest.MonkeyPatch.context() as patch:
        stand_in_for_networks(patch)
        run_two_nights(spark, folder)
    return folder


@pytest.fixture
def folder(pristine: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return that folder, and put it back afterwards: paths stand in its tables' logs."""
    stand_in_for_networks(monkeypatch)
    saved = pristine.with_name("saved")
    shutil.copytree(pristine, saved)
    yield pristine
    shutil.rmtree(pristine)
    saved.rename(pristine)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr]
