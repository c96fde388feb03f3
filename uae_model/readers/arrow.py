"""Reading the published weights without Spark: the pinned files and Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from uae_model.core.errors import ContractError
from uae_model.readers.days import (
    ACCEPTED_CHECKS,
    PUBLISHED,
    requested_days,
    require_all_days,
    require_none_accepted,
)
from uae_model.readers.delta_log import DeltaLog, files_of_version
from uae_model.readers.locations import open_files
from uae_model.readers.sources import require_sources

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset


@dataclass(frozen=True)
class PublishedDay:
    """A day that may be read: the version of ``weights`` to pin and the rows it has.

    ``accepted_checks`` names the failed checks that a person accepted.
    """

    day: date
    delta_version: int
    rows: int
    accepted_checks: tuple[str, ...] = ()


def published_days(
    tables: str, first: date | str, last: date | str | None = None, *, without_accepted: bool = False
) -> list[PublishedDay]:
    """Return the published days from ``first`` to ``last`` (or ``first`` alone), in their order.

    Args:
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.
        without_accepted: refuse days with failed checks that a person accepted (``uae publish --accept``).

    Raises:
        InputError: naming the days of the range that are not published, or that have accepted failures.
    """
    start, end = requested_days(first, last)
    publications = dataset_of(files_of_version(f"{tables.rstrip('/')}/publications"))
    columns = ["dt", "table_name", "status", "delta_version", "row_count", ACCEPTED_CHECKS]
    known = set(publications.schema.names)  # tables of before have no accepted checks
    days = [
        PublishedDay(row["dt"], row["delta_version"], row["row_count"], tuple(row.get(ACCEPTED_CHECKS) or ()))
        for row in publications.to_table(columns=[name for name in columns if name in known]).to_pylist()
        if start <= row["dt"] <= end and row["table_name"] == "weights" and row["status"] == PUBLISHED
    ]
    require_all_days({day.day for day in days}, start, end)
    if without_accepted:
        require_none_accepted({day.day: day.accepted_checks for day in days})
    return sorted(days, key=lambda day: day.day)


def published_files(tables: str, days: Sequence[PublishedDay]) -> list[str]:
    """Return the Parquet files that hold the published days: what any engine may read without Delta.

    A folder listing would also find the files of nights that were replaced.

    Raises:
        ContractError: naming a day whose files are gone, and what mends it.
    """
    log = DeltaLog(f"{tables.rstrip('/')}/weights")
    sources = require_sources(log, {day.day: day.delta_version for day in days})
    files = {source.day: source.files for source in sources}
    return [file for day in days for file in files[day.day]]


def read_weights_arrow(
    tables: str,
    first: date | str,
    last: date | str | None = None,
    columns: Sequence[str] | None = None,
    *,
    without_accepted: bool = False,
) -> pa.Table:
    """Return the published weights of the days from ``first`` to ``last`` (or of ``first`` alone).

    Args:
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.
        columns: all by default.
        without_accepted: refuse days with failed checks that a person accepted (``uae publish --accept``).

    Raises:
        InputError: naming the days of the range that are not published, or that have accepted failures.
        ContractError: if files are gone, or do not hold the rows that were published.
    """
    days = published_days(tables, first, last, without_accepted=without_accepted)
    files = published_files(tables, days)
    table = dataset_of(files).to_table(columns=None if columns is None else list(columns))
    require_rows(table.num_rows, days)
    return table


def read_table_arrow(tables: str, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a whole table as it is now, unchecked: for looking at plays, publications or quarantine.

    Args:
        tables: the folder or URI of the tables.
        name: of the table.
        columns: all by default.
    """
    files = files_of_version(f"{tables.rstrip('/')}/{name}")
    return dataset_of(files).to_table(columns=None if columns is None else list(columns))


def dataset_of(files: Sequence[str]) -> Dataset:
    """Return the files as one dataset; a newer day may have features that the first file lacks."""
    import pyarrow.dataset as pads  # imports pandas, where there is one

    by_day = pads.partitioning(pa.schema([("dt", pa.date32())]), flavor="hive")
    filesystem, paths = open_files(files)
    first = pads.dataset(paths, filesystem=filesystem, partitioning=by_day)
    schema = pa.unify_schemas([first.schema, *(part.physical_schema for part in first.get_fragments())])
    return pads.dataset(paths, filesystem=filesystem, schema=schema, partitioning=by_day)


def require_rows(rows: int, days: Sequence[PublishedDay]) -> None:
    """Raise ContractError where another number of rows was read than was published."""
    expected = sum(day.rows for day in days)
    if rows != expected:
        raise ContractError(
            f"table weights, {days[0].day} to {days[-1].day}: {rows} rows were read, {expected} are published"
        )
