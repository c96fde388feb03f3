"""Files that tasks have written by Arrow (``data_files``) become a part of a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql import types as T  # noqa: N812
from pyspark.sql.pandas.types import to_arrow_schema

from uae_model.core.errors import ContractError
from uae_model.lake import files
from uae_model.lake.commits import commit_files
from uae_model.lake.data_files import DataFile, FileForm
from uae_model.lake.ddl import CONSTRAINT
from uae_model.lake.log import APPENDED, files_of_day

if TYPE_CHECKING:
    from uae_model.lake.store import TableStore


def file_form(store: TableStore, name: str) -> FileForm | None:
    """Return how files of a table are written; None where tasks cannot, as on other storage."""
    contract = store.ensure(name)
    folder = files.local_path(store.spark, store.path(name))
    if folder is None:
        return None
    fields = [field for field in contract.schema.fields if field.name != contract.partition]
    schema = pa.schema([field.with_nullable(True) for field in to_arrow_schema(T.StructType(fields))])
    return FileForm(name, folder, schema, tuple(field.name for field in fields if not field.nullable))


def local_files_of_day(store: TableStore, name: str, day: date) -> list[str] | None:
    """Return the files that a table has of a day; None where tasks cannot read its rows from them alone."""
    root = files.local_path(store.spark, store.path(name))
    added = files_of_day(store.spark, store.path(name), day)
    # The log writes paths as those of addresses.
    return None if root is None or added is None else [f"{root}/{unquote(add['path'])}" for add in added]


def replace_day_by_files(
    store: TableStore, name: str, day: date, added: Sequence[DataFile], metadata: dict[str, Any]
) -> None:
    """Replace a day by files that lie in its folder, in one commit.

    Args:
        store: the tables.
        name: a table whose contract keeps no least and greatest values (``skip_by``): the commit counts rows.
        day: of the files.
        added: each holds the contract's columns.
        metadata: stored in the commit.

    Raises:
        ContractError: naming a constraint that a row of the files breaks.
    """
    _require_constraints(store, name, added)
    with store.recorded(name, {"dt": day.isoformat(), **metadata}):
        commit_files(store.spark, store.path(name), [_action(file) for file in added], day)


def append_files(store: TableStore, name: str, added: Sequence[DataFile], metadata: dict[str, Any]) -> None:
    """Add files with rows whose keys the table does not hold, in one commit that says so.

    Args and errors are those of ``replace_day_by_files``.
    """
    _require_constraints(store, name, added)
    with store.recorded(name, {**metadata, APPENDED: True}):
        commit_files(store.spark, store.path(name), [_action(file) for file in added])


def _action(file: DataFile) -> dict[str, Any]:
    """Return what the log says of a file ("Add File" in Delta's PROTOCOL.md)."""
    return {
        "path": file.path,
        "partitionValues": {"dt": file.path.partition("/")[0].removeprefix("dt=")},
        "size": file.size,
        "modificationTime": file.modified_ms,
        "dataChange": True,
        "stats": json.dumps({"numRecords": file.rows}),
    }


def _require_constraints(store: TableStore, name: str, added: Sequence[DataFile]) -> None:
    """Raise ContractError for a row that breaks a constraint: Delta checks rows that Spark writes alone."""
    conditions = {
        key.removeprefix(CONSTRAINT): condition
        for key, condition in store.properties(name).items()
        if key.startswith(CONSTRAINT)
    }
    if not conditions or not added:
        return
    contract, root = store.contract(name), store.path(name)
    reader = store.spark.read.schema(contract.schema).option("basePath", root)
    holds = {constraint: F.coalesce(F.expr(text), F.lit(False)) for constraint, text in conditions.items()}
    broken = (
        reader.parquet(*(f"{root}/{file.path}" for file in added))
        .where(~reduce(and_, holds.values()))
        .select(
            "dt",
            F.struct(*contract.key).cast("string").alias("key"),
            *[holding.alias(constraint) for constraint, holding in holds.items()],
        )
    )
    for row in broken.limit(1).collect():
        constraint = next(constraint for constraint in conditions if not row[constraint])
        raise ContractError(
            f"table {name}, dt={row['dt']}, row {row['key']}: breaks the constraint {constraint} "
            f"({conditions[constraint]}); nothing was written"
        )
