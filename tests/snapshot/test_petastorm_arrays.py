"""Matrices by row group: what Petastorm's own batch reader gives, in its order, and nothing guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.training_builders import small_sessions, write_snapshot_files
from uae_model.core.errors import ContractError
from uae_model.snapshot.manifest import Manifest
from uae_model.snapshot.petastorm_arrays import array_reader, to_array
from uae_model.snapshot.petastorm_files import file_url, quiet_petastorm

COLUMNS = ("length", "categorical", "numeric", "feedback")
Group = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    lengths = np.random.default_rng(3).integers(1, 9, size=47)
    sessions = small_sessions(lengths.tolist(), seed=3)
    for session in sessions[::5]:
        session.numeric_TF[0] = np.nan  # a missing number
    return write_snapshot_files(tmp_path_factory.mktemp("snapshot"), sessions, small_sessions([2]))


def files(manifest: Manifest) -> list[str]:
    return [f"{manifest.root}/{file.path}" for file in manifest.train.files]


def read(reader: Any) -> list[Group]:
    with quiet_petastorm(), reader:
        return [{name: getattr(group, name) for name in COLUMNS} for group in reader]


def ours(manifest: Manifest, *, shuffle: bool = True, seed: int = 5, rank: int = 0, world: int = 1) -> Any:
    return read(array_reader(files(manifest), COLUMNS, shuffle=shuffle, seed=seed, rank=rank, world=world))


def petastorms(manifest: Manifest, shuffle: bool, seed: int | None, rank: int, world: int) -> list[Group]:
    with quiet_petastorm():
        from petastorm import make_batch_reader

        return read(
            make_batch_reader(
                [file_url(file) for file in files(manifest)],
                schema_fields=list(COLUMNS),
                reader_pool_type="thread",
                workers_count=1,
                num_epochs=1,
                shuffle_row_groups=shuffle,
                seed=seed,
                cur_shard=rank,
                shard_count=world,
            )
        )


@pytest.mark.parametrize(("shuffle", "seed"), [(False, None), (True, 5), (True, 2**32 - 1)])
@pytest.mark.parametrize(("rank", "world"), [(0, 1), (0, 2), (1, 2), (2, 3)])
def test_the_row_groups_are_those_of_petastorms_own_reader(
    manifest: Manifest, shuffle: bool, seed: int | None, rank: int, world: int
) -> None:
    row_groups = ours(manifest, shuffle=shuffle, seed=seed or 0, rank=rank, world=world)
    expected = petastorms(manifest, shuffle, seed, rank, world)
    assert len(row_groups) == len(expected) > 2
    for group, peer in zip(row_groups, expected, strict=True):
        for name in COLUMNS:
            assert group[name].dtype == peer[name].dtype
            np.testing.assert_array_equal(group[name], peer[name])  # NaN equals NaN


def first_sessions(groups: list[Group]) -> list[int]:
    return [int(group["categorical"][0, 0]) for group in groups]


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_without_shuffling_the_order_is_that_of_the_files(manifest: Manifest, seed: int) -> None:
    stored = [
        pq.ParquetFile(f"{manifest.root}/{file.path}").read_row_group(index)["categorical"][0][0].as_py()
        for file in manifest.train.files
        for index in range(len(file.row_groups))
    ]
    assert first_sessions(ours(manifest, shuffle=False, seed=seed)) == stored


def test_the_order_follows_the_seed_however_large(manifest: Manifest) -> None:
    orders = [first_sessions(ours(manifest, seed=seed)) for seed in (1, 2, 20_260_112 * 10_007)]
    assert first_sessions(ours(manifest, seed=1)) == orders[0]
    assert orders[0] != orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])


def test_lists_of_differing_lengths_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "part.parquet"
    rows = pa.array([[1.0, 2.0], [3.0, 4.0], [5.0], [6.0]], pa.list_(pa.float32()))
    pq.write_table(pa.table({"feedback": rows}), file, row_group_size=2)
    with quiet_petastorm():
        reader = array_reader([str(file)], ["feedback"], shuffle=False, seed=0, rank=0, world=1)
    with reader:
        assert [group.feedback.tolist() for group in reader] == [[[1, 2], [3, 4]], [[5], [6]]]
    pq.write_table(pa.table({"feedback": rows}), file, row_group_size=3)
    with quiet_petastorm():
        reader = array_reader([str(file)], ["feedback"], shuffle=False, seed=0, rank=0, world=1)
    with reader, pytest.raises(ContractError, match="column feedback: lists of 2 lengths in one row group"):
        next(reader)


def test_lists_become_a_matrix_of_arrows_own_numbers() -> None:
    column = pa.chunked_array([pa.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], pa.list_(pa.int32()))])
    matrix = to_array(column, "categorical")
    assert matrix.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert matrix.dtype == np.int32
    assert not matrix.flags.writeable


def test_slices_and_chunks_of_lists() -> None:
    lists = pa.array([[1, 2], [3, 4], [5, 6], [7, 8]], pa.list_(pa.int32()))
    assert to_array(pa.chunked_array([lists.slice(1, 2)]), "a").tolist() == [[3, 4], [5, 6]]
    assert to_array(pa.chunked_array([lists.slice(2), lists.slice(0, 1)]), "a").tolist() == [
        [5, 6],
        [7, 8],
        [1, 2],
    ]


def test_numbers_stay_a_vector() -> None:
    vector = to_array(pa.chunked_array([pa.array([3, 1], pa.int32()), pa.array([2], pa.int32())]), "length")
    assert vector.tolist() == [3, 1, 2]
    assert vector.dtype == np.int32
