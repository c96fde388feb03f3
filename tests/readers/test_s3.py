"""Readers of published weights on object storage: a server of its own, reached by storage options."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow.fs as pafs
import pytest
from deltalake import DeltaTable

from tests.object_storage import ObjectStorage
from tests.readers.published_tables import LAST, morning_after, publish, weighted_rows
from uae_model.core.errors import ContractError, UsageError
from uae_model.core.filesystems import open_location
from uae_model.readers import (
    published_days,
    published_features,
    read_table_arrow,
    read_weights_arrow,
    read_weights_pandas,
    read_weights_polars,
    weighted_batches,
)

pytestmark = pytest.mark.slow
BEFORE = LAST - timedelta(days=1)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish two days on this machine."""
    folder = tmp_path_factory.mktemp("published")
    for day in (BEFORE, LAST):
        publish(folder, weighted_rows(day), morning_after(day))
    return folder


def copied(tables: Path, s3: ObjectStorage, there: str) -> str:
    """Copy the tables into a folder of the bucket; return its URI."""
    filesystem, path = open_location(f"{s3.uri}/{there}", s3.options)
    # By threads it may wait for ever: each copy waits for an upload that the same threads would do.
    pafs.copy_files(str(tables), path, pafs.LocalFileSystem(), filesystem, use_threads=False)
    return f"{s3.uri}/{there}"


@pytest.fixture(scope="module")
def uri(tables: Path, s3: ObjectStorage) -> str:
    """Return where the tables lie in a bucket, with signs that a URI would read otherwise."""
    return copied(tables, s3, "a team/tables 100%20")


@pytest.fixture
def options(s3: ObjectStorage) -> dict[str, str]:
    """Return how the server is reached."""
    return s3.options


def batches(tables: str, **more: Any) -> pd.DataFrame:
    """Return all that the torch reader yields."""
    return pd.concat(
        pd.DataFrame(
            {
                "label": batch.label_B.numpy(),
                "sample_weight": batch.sample_weight_B.numpy(),
                **{name: value.numpy() for name, value in sorted(batch.features.items())},
            }
        )
        for batch in weighted_batches(tables, BEFORE, LAST, seed=3, **more)
    )


@pytest.mark.parametrize("scheme", ["s3", "s3a"])
def test_every_reader_gives_the_rows_of_the_local_tables(
    tables: Path, uri: str, options: dict[str, str], scheme: str
) -> None:
    there, here = uri.replace("s3", scheme, 1), str(tables)
    local = read_weights_arrow(here, BEFORE, LAST)
    assert local.num_rows > 200
    assert read_weights_arrow(there, BEFORE, LAST, storage_options=options).equals(local)
    assert read_weights_pandas(there, BEFORE, LAST, storage_options=options).equals(local.to_pandas())
    assert read_weights_polars(there, BEFORE, LAST, storage_options=options).equals(pl.DataFrame(local))
    assert read_table_arrow(there, "publications", storage_options=options).equals(
        read_table_arrow(here, "publications")
    )
    assert published_days(there, latest=2, storage_options=options) == published_days(here, latest=2)
    assert published_features(there, storage_options=options) == published_features(here)
    pd.testing.assert_frame_equal(batches(there, storage_options=options), batches(here))


def test_the_same_options_open_the_table_by_deltalake(tables: Path, s3: ObjectStorage) -> None:
    uri = copied(tables, s3, "plain")  # deltalake reads a percent sign of a key as a URL's
    table = DeltaTable(f"{uri}/publications", storage_options=s3.options)
    ours = read_table_arrow(uri, "publications", storage_options=s3.options)
    assert table.count() == ours.num_rows == 2


def test_the_environment_says_what_the_options_do_not(
    tables: Path, uri: str, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in options.items():
        monkeypatch.setenv(name, value)
    expected = read_weights_arrow(str(tables), LAST)
    assert read_weights_arrow(uri, LAST).equals(expected)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    asked = {"endpoint_url": options["AWS_ENDPOINT_URL"], "aws_allow_http": "TRUE"}
    assert read_weights_arrow(uri, LAST, storage_options=asked).equals(expected)


def test_a_wrong_place_is_answered_with_what_there_is(uri: str, options: dict[str, str]) -> None:
    with pytest.raises(ContractError, match=f"the tables at .* are publications, weights; .* to {LAST}"):
        published_days(f"{uri}/weights", LAST, storage_options=options)


def test_options_of_this_machine_change_nothing(tables: Path, options: dict[str, str]) -> None:
    assert published_days(str(tables), LAST, storage_options=options) == published_days(str(tables), LAST)


@pytest.mark.parametrize(
    ("location", "options", "message"),
    [
        ("s3://b/t", {"AWS_SECRET": "hush"}, "storage_options: secret is not known; allowed are AWS_ACCESS"),
        ("s3://b/t", {"AWS_ENDPOINT_URL": "http://host:9"}, "http://host:9 would get .* in plain"),
        ("gs://b/t", {"AWS_REGION": "x"}, "storage_options are for S3 alone; gs://"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(
    location: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as failure:
        open_location(location, options)
    assert "hush" not in str(failure.value)
