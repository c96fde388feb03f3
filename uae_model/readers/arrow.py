"""Reading the published weights without Spark: the pinned files and Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from uae_model.core.dates import parse_moment
from uae_model.core.errors import ContractError
from uae_model.core.filesystems import StorageOptions, open_files
from uae_model.readers.days import COLUMNS, PublishedDay, Request, choose_days, requested_days
from uae_model.readers.delta_log import DeltaLog, files_of_version
from uae_model.readers.sources import publications_at, require_sources

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset


def published_days(
    tables: str,
    first: date | str | None = None,
    last: date | str | None = None,
    *,
    latest: int | None = None,
    as_of: datetime | str | None = None,
    without_accepted: bool = False,
    storage_options: StorageOptions | None = None,
) -> list[PublishedDay]:
    """Return the published days from ``first`` to ``last`` (or ``first`` alone), or the newest, by day.

    Args:
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.
        latest: in place of ``first`` and ``last``: so many of the newest published days, or as many as there
            are.
        as_of: a moment (ISO 8601; without an offset UTC) whose publications count, not those of now.
        without_accepted: refuse days with failed checks that a person accepted (``uae publish --accept``).
        storage_options: how S3 is reached, by deltalake's names (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``
            and so on); by default as the environment says.

    Raises:
        InputError: naming the days of the range that are not published, or that have accepted failures.
        ContractError: if there is no such folder of tables: it says which tables and days are near.
    """
    return days_of(tables, Request(first, last, latest, as_of, without_accepted), storage_options)


def days_of(tables: str, request: Request, storage_options: StorageOptions | None) -> list[PublishedDay]:
    """Return the published days that are asked for; errors are those of ``published_days``."""
    wanted = requested_days(request.first, request.last, request.latest)
    moment = None if request.as_of is None else parse_moment(request.as_of)
    rows = publication_rows(tables, COLUMNS, as_of=moment, storage_options=storage_options)
    return choose_days(rows, wanted, without_accepted=request.without_accepted, as_of=moment)


def publication_rows(
    tables: str,
    columns: Sequence[str],
    *,
    as_of: datetime | None = None,
    storage_options: StorageOptions | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of table ``publications`` now or at a moment: those of these columns that it has.

    Raises:
        InputError: if its log does not reach back to the moment.
        ContractError: if there is no such table, or its files are gone.
    """
    log = DeltaLog(f"{tables.rstrip('/')}/publications", storage_options=storage_options)
    _, files = publications_at(log, as_of)
    publications = dataset_of(files, storage_options)
    known = set(publications.schema.names)
    rows: list[dict[str, Any]] = publications.to_table(
        [name for name in columns if name in known]
    ).to_pylist()
    return rows


def published_files(
    tables: str, days: Sequence[PublishedDay], *, storage_options: StorageOptions | None = None
) -> list[str]:
    """Return the Parquet files that hold the published days: what any engine may read without Delta.

    A folder listing would also find the files of nights that were replaced.

    Raises:
        ContractError: naming a day whose files are gone, and what mends it.
    """
    log = DeltaLog(f"{tables.rstrip('/')}/weights", storage_options=storage_options)
    as_of = next((day.as_of for day in days), None)
    sources = require_sources(log, {day.day: day.delta_version for day in days}, as_of=as_of)
    files = {source.day: source.files for source in sources}
    return [file for day in days for file in files[day.day]]


def read_weights_arrow(
    tables: str,
    first: date | str | None = None,
    last: date | str | None = None,
    columns: Sequence[str] | None = None,
    *,
    latest: int | None = None,
    as_of: datetime | str | None = None,
    without_accepted: bool = False,
    storage_options: StorageOptions | None = None,
) -> pa.Table:
    """Return the published weights from ``first`` to ``last`` (or of ``first`` alone), or of the newest days.

    Args:
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.
        columns: all by default.
        latest: in place of ``first`` and ``last``: so many of the newest published days, or as many as there
            are.
        as_of: a moment (ISO 8601; without an offset UTC): the rows that were published then.
        without_accepted: refuse days with failed checks that a person accepted (``uae publish --accept``).
        storage_options: how S3 is reached, by deltalake's names (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``
            and so on); by default as the environment says.

    Raises:
        InputError: naming the days of the range that are not published, or that have accepted failures.
        ContractError: if files are gone, or do not hold the rows that were published, or if there is no such
            folder of tables: it says which tables and days are near.
    """
    request = Request(first, last, latest, as_of, without_accepted)
    return weights_of(tables, request, columns, storage_options)


def weights_of(
    tables: str, request: Request, columns: Sequence[str] | None, storage_options: StorageOptions | None
) -> pa.Table:
    """Return the published weights that are asked for; errors are those of ``read_weights_arrow``."""
    days = days_of(tables, request, storage_options)
    files = published_files(tables, days, storage_options=storage_options)
    table = dataset_of(files, storage_options).to_table(columns=None if columns is None else list(columns))
    require_rows(table.num_rows, days)
    return table


def read_table_arrow(
    tables: str,
    name: str,
    columns: Sequence[str] | None = None,
    *,
    storage_options: StorageOptions | None = None,
) -> pa.Table:
    """Return a whole table as it is now, unchecked: for looking at plays, publications or quarantine.

    Args:
        tables: the folder or URI of the tables.
        name: of the table.
        columns: all by default.
        storage_options: how S3 is reached, by deltalake's names (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``
            and so on); by default as the environment says.
    """
    files = files_of_version(f"{tables.rstrip('/')}/{name}", storage_options=storage_options)
    return dataset_of(files, storage_options).to_table(columns=None if columns is None else list(columns))


def dataset_of(files: Sequence[str], storage_options: StorageOptions | None = None) -> Dataset:
    """Return the files as one dataset; a newer day may have features that the first file lacks."""
    import pyarrow.dataset as pads  # imports pandas, where there is one

    by_day = pads.partitioning(pa.schema([("dt", pa.date32())]), flavor="hive")
    filesystem, paths = open_files(files, storage_options)
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
