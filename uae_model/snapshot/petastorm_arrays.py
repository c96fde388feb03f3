"""Array columns from Petastorm as matrices, a row group at a time.

``make_batch_reader`` makes an array of every row before it stacks them, at twice the cost of reading the
file. This reader takes over its row groups, shards, order and worker thread, and hands out the numbers where
Arrow has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from uae_model.core.errors import ContractError
from uae_model.snapshot.petastorm_files import file_url, petastorm_filesystem, quiet_petastorm

QUEUED_ROW_GROUPS = 8
"""Row groups that may wait decoded, each of some megabytes; Petastorm's default of 50 is for smaller ones."""


def array_reader(
    files: Sequence[str], columns: Sequence[str], *, shuffle: bool, seed: int, rank: int, world: int
) -> Any:
    """Return a Petastorm ``Reader`` of one epoch that yields a named tuple of arrays for each row group.

    The rows and their order are those of ``make_batch_reader(..., reader_pool_type="thread",
    workers_count=1, num_epochs=1)``, given the seed only where it shuffles. A list column comes as a
    read-only matrix (rows, elements).

    Args:
        files: paths or URIs of the Parquet files, on one storage.
        columns: numbers, or lists of numbers of one length within a row group, without NULLs.
        shuffle: whether the order of the row groups follows ``seed``; else it is that of the files.
        seed: of the order, any number from 0.
        rank: which shard to read.
        world: number of shards.
    """
    with quiet_petastorm():
        from petastorm.arrow_reader_worker import ArrowReaderWorker
        from petastorm.fs_utils import get_filesystem_and_path_or_paths
        from petastorm.reader import Reader, normalize_dataset_url_or_urls
        from petastorm.workers_pool.thread_pool import ThreadPool

        filesystem, paths = get_filesystem_and_path_or_paths(
            normalize_dataset_url_or_urls([file_url(file) for file in files]),
            filesystem=petastorm_filesystem(files),
        )
        worker = type(
            "MatrixWorker", (ArrowReaderWorker,), {"new_results_queue_reader": staticmethod(MatrixResults)}
        )
        return Reader(
            filesystem,
            paths,
            schema_fields=list(columns),
            worker_class=worker,
            reader_pool=ThreadPool(1, QUEUED_ROW_GROUPS),
            num_epochs=1,
            shuffle_row_groups=shuffle,
            # A seed reorders the row groups even where none are to be shuffled; numpy takes 32 bits of it.
            seed=seed % 2**32 if shuffle else None,
            cur_shard=rank,
            shard_count=world,
            is_batched_reader=True,
        )


class MatrixResults:
    """Takes Petastorm's tables from its worker (the interface that ``Reader`` wants of a worker class)."""

    batched_output = True

    def read_next(self, workers_pool: Any, schema: Any, ngram: Any) -> Any:
        """Return the next row group as a named tuple of arrays."""
        from petastorm.workers_pool import EmptyResultError

        try:
            table = workers_pool.get_results()
        except EmptyResultError:
            raise StopIteration from None
        return schema.make_namedtuple(**{name: to_array(table[name], name) for name in table.column_names})


def to_array(column: pa.ChunkedArray, name: str) -> NDArray[Any]:
    """Return numbers as a vector, or lists of numbers as a matrix (rows, elements); no copy where possible.

    Raises:
        ContractError: if the lists differ in length.
    """
    values = column.combine_chunks()
    if not pa.types.is_list(values.type):
        plain: NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return plain
    lengths = np.unique(pc.list_value_length(values).to_numpy(zero_copy_only=False))
    if len(lengths) != 1:
        raise ContractError(f"snapshot column {name}: lists of {len(lengths)} lengths in one row group")
    flat: NDArray[Any] = values.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(values), -1)
