"""Files on S3 without Spark and without s3fs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.object_storage import ObjectStorage
from uae_model.core.any_storage import filesystem_of, storage_usage
from uae_model.core.atomic import write_whole
from uae_model.core.usage import Usage
from uae_model.snapshot.layout import parquet_files
from uae_model.snapshot.manifest import MANIFEST
from uae_model.snapshot.own_folder import mark_used, own_folder, remove_folder
from uae_model.snapshot.petastorm_arrays import array_reader
from uae_model.snapshot.petastorm_files import petastorm_filesystem
from uae_model.training.job import load_tensors, save_tensors

pytestmark = pytest.mark.slow


@pytest.fixture
def root(s3: ObjectStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return a folder of this test alone, as Hadoop names it; the environment says how it is reached."""
    for name, value in s3.options.items():
        monkeypatch.setenv(name, value)
    return f"{s3.uri.replace('s3', 's3a')}/{tmp_path.name}/100%20 [a]"


def content(file: str) -> bytes:
    filesystem, path = filesystem_of(file)
    return bytes(filesystem.cat_file(path))


def names(folder: str) -> Sequence[str]:
    filesystem, path = filesystem_of(folder)
    return sorted(file.removeprefix(f"{path}/") for file in filesystem.find(path))


def test_a_file_is_written_whole_and_replaced(root: str) -> None:
    for text in ("first and long", "é"):
        write_whole(f"{root}/a/b.json", text)
    assert content(f"{root}/a/b.json") == "é".encode()
    assert names(root) == ["a/b.json"]  # no part, and no mark of a folder


def test_checkpoints_come_back(root: str) -> None:
    assert load_tensors(f"{root}/networks.pt") is None
    save_tensors(f"{root}/networks.pt", {"epoch": 3})
    assert load_tensors(f"{root}/networks.pt") == {"epoch": 3}


def test_a_folder_of_a_run_that_failed_goes(root: str) -> None:
    def fail() -> None:
        with own_folder(root) as name:
            write_whole(f"{root}/{name}/part", "x")
            assert names(root) == [f"{name}/part"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(root) == []
    remove_folder(f"{root}/nothing")


def test_what_lies_below_a_folder_is_summed(root: str) -> None:
    assert storage_usage(root) == Usage()
    for name in ("a", "b/c"):
        write_whole(f"{root}/{name}", "four")
    assert storage_usage(root) == Usage(2, 8)


def test_what_is_used_is_young(root: str) -> None:
    write_whole(f"{root}/plays-v1-abc/{MANIFEST}", "{}")
    filesystem, path = filesystem_of(f"{root}/plays-v1-abc")

    def newest() -> Any:
        return max(filesystem.modified(file) for file in filesystem.find(path))

    before = newest()
    time.sleep(1.1)  # such servers tell whole seconds
    mark_used(f"{root}/plays-v1-abc/{MANIFEST}")
    assert newest() > before
    assert content(f"{root}/plays-v1-abc/{MANIFEST}") == b"{}"


def test_a_snapshot_is_listed_and_read_by_petastorm(root: str) -> None:
    rows = np.arange(12, dtype=np.float32).reshape(4, 3)
    table = pa.table({"numbers": pa.array(list(rows))})
    filesystem, path = filesystem_of(f"{root}/train/padded_length=3/part-0.parquet")
    with filesystem.open(path, "wb") as file:
        pq.write_table(table, file)
    (listed,) = parquet_files(root, "train")
    assert listed == "train/padded_length=3/part-0.parquet"
    with array_reader([f"{root}/{listed}"], ["numbers"], shuffle=False, seed=0, rank=0, world=1) as reader:
        (group,) = list(reader)
    assert group.numbers.tolist() == rows.tolist()


def test_other_storages_are_left_to_petastorm(tmp_path: Path) -> None:
    assert petastorm_filesystem([]) is None
    assert petastorm_filesystem([str(tmp_path)]) is None
