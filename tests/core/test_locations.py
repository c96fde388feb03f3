"""Paths of this machine and URIs of other storages."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from uae_model.core.locations import is_local, plain_path, sqlite_file, sqlite_uri


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/data/a b%20[c]", "/data/a b%20[c]"),
        ("file:///data/a%20b", "/data/a%20b"),  # as Hadoop takes it
        ("file:/data/x", "/data/x"),
        ("data/x", "data/x"),
        ("s3a://bucket/x", "s3a://bucket/x"),
    ],
)
def test_a_path_is_what_the_uri_says_letter_by_letter(location: str, path: str) -> None:
    assert plain_path(location) == path


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/data/12:00", True),
        ("file:/data", True),
        ("data", True),
        ("s3://bucket/x", False),
        ("hdfs:/data", False),
    ],
)
def test_a_uri_of_another_storage_is_told_from_a_path(location: str, expected: bool) -> None:
    assert is_local(location) == expected


@pytest.mark.parametrize("folder", ["/data/x", "/data/100%20 [a]:`b`?", "/50%"])
def test_an_sqlite_database_lies_where_sqlalchemy_looks_for_it(folder: str) -> None:
    uri = sqlite_uri("mlflow.db", Path(folder))
    assert make_url(uri).database == f"{folder}/mlflow.db"
    assert sqlite_file(uri) == Path(folder) / "mlflow.db"


def test_what_is_no_sqlite_database_has_no_file() -> None:
    assert sqlite_uri("/full/mlflow.db", Path("/data")) == "sqlite:////full/mlflow.db"
    assert sqlite_file("https://example.org") is None
