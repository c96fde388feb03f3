"""Events are written by the tasks that have them, by Arrow, into files that a commit names later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from uae_model.ingest.distribute import Batches
from uae_model.lake.data_files import FILES, DataFile, FileForm, file_rows, files_of_rows, write_data_files


def written_by_tasks(rows: DataFrame, form: FileForm) -> list[DataFile]:
    """Write rows of ``events`` into files, each task those that it has."""

    def written(batches: Iterable[pa.RecordBatch]) -> Batches:
        yield write_batches(form, batches, {})

    return files_of(rows, written)


def write_batches(
    form: FileForm, batches: Iterable[pa.RecordBatch], same: Mapping[str, str]
) -> pa.RecordBatch:
    """Write rows into a file of each day; return these, as ``data_files.FILES`` says.

    Args:
        form: of the files.
        batches: rows with a column ``dt`` and, with ``same``, all columns of the form.
        same: columns that have one value in every row.
    """
    context = TaskContext.get()
    number = context.partitionId() if context else 0
    return file_rows(write_data_files(form, number, _by_day(form, batches, same)))


def _by_day(
    form: FileForm, batches: Iterable[pa.RecordBatch], same: Mapping[str, str]
) -> Iterator[tuple[date, pa.Table]]:
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        for name, value in same.items():
            rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
        days = pc.unique(rows["dt"]).to_pylist()
        for day in days:
            of_day = (
                rows if len(days) == 1 else rows.filter(pc.equal(rows["dt"], pa.scalar(day, pa.date32())))
            )
            yield day, of_day


def files_of(rows: DataFrame, written: Callable[[Iterable[pa.RecordBatch]], Batches]) -> list[DataFile]:
    """Return the files that tasks have written.

    Args:
        rows: what the tasks have.
        written: writes a task's rows; gives ``data_files.FILES``.
    """
    return files_of_rows(rows.mapInArrow(written, from_arrow_schema(FILES)).collect())
