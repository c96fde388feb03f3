"""URLs as Petastorm wants them."""

from __future__ import annotations

from pathlib import Path

import pytest

from uae_model.snapshot.petastorm_files import file_url


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/data/part-0.parquet", "file:///data/part-0.parquet"),
        ("file:///data/part-0.parquet", "file:///data/part-0.parquet"),
        ("s3a://bucket/part-0.parquet", "file:bucket/part-0.parquet"),
        ("s3://bucket/s3a://x", "file:bucket/s3a://x"),
        ("hdfs://name/part-0.parquet", "hdfs://name/part-0.parquet"),
    ],
)
def test_file_url(path: str, url: str) -> None:
    assert file_url(path) == url


def test_a_relative_path_counts_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_url("demo/tables/a.parquet") == f"file://{tmp_path}/demo/tables/a.parquet"
