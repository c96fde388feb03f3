"""The one place that reads and writes Delta tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the usual name of pyspark's functions

from uae_model.config import Config
from uae_model.core.errors import ContractError
from uae_model.lake import files
from uae_model.lake.contract import TableContract
from uae_model.lake.contracts import contract_for
from uae_model.lake.ddl import (
    add_missing_columns,
    add_missing_constraints,
    change_properties,
    create,
    sql_string,
)
from uae_model.lake.log import APPENDED, NO_DAY, latest_version, table_properties
from uae_model.lake.rewrites import is_rewrite
from uae_model.lake.states import EXPIRED_BEFORE, DayStates

USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
MANY_ROWS = 500_000
"""Rows whose tasks make files of a good size; to gather them costs a shuffle of all."""

SKIP_EMPTY_COMMITS = "spark.databricks.delta.skipRecordingEmptyCommits"


class TableStore:
    """Reads and writes of all tables under one root, each by its contract.

    ``states`` is the memory of what their days were built from.
    """

    def __init__(self, spark: SparkSession, config: Config) -> None:
        self.spark = spark
        self.config = config
        self._ensured: dict[str, TableContract] = {}
        self.states = DayStates(self)

    def path(self, name: str) -> str:
        """Return the folder or URI of a table."""
        return table_path(self.config.paths.tables, name)

    def contract(self, name: str) -> TableContract:
        """Return the table's contract under this configuration."""
        return contract_for(name, self.config)

    def exists(self, name: str) -> bool:
        """Tell whether the table has been created."""
        return DeltaTable.isDeltaTable(self.spark, self.path(name))

    def read(self, name: str, days: Iterable[date] | None = None, *, version: int | None = None) -> DataFrame:
        """Read a table, only the partitions of ``days`` where given, at ``version`` where given.

        Columns that the contract does not name are left out: one that was added by hand, or that of a feature
        which is not declared any more, stops nobody.

        Raises:
            ContractError: if the table does not exist.
        """
        frame = read_table(self.spark, self.config.paths.tables, name, days, version=version)
        unknown = self.contract(name).unknown_columns(frame.columns)
        return frame.drop(*unknown) if unknown else frame

    def read_or_empty(self, name: str, days: Iterable[date] | None = None) -> DataFrame:
        """Read a table, only the partitions of ``days`` where given, creating it where there is none."""
        self.ensure(name)
        return self.read(name, days)

    def ensure(self, name: str) -> TableContract:
        """Create the table by its contract, or check and extend what is there.

        A feature that is new in the configuration becomes a new nullable column by an explicit
        ALTER; a column of another type is an error, and one that the contract does not name is told. Changed
        retention is set.

        Raises:
            ContractError: naming the table, the column and both types.
        """
        if name in self._ensured:
            return self._ensured[name]
        contract = self.contract(name)
        if self.exists(name):
            actual = read_table(self.spark, self.config.paths.tables, name).schema
            add_missing_columns(self.spark, self.path(name), contract, actual)
            add_missing_constraints(self.spark, self.path(name), contract, self.renew_properties(name))
        else:
            create(self.spark, self.path(name), contract)
        self._ensured[name] = contract
        return contract

    def properties(self, name: str) -> dict[str, str]:
        """Return the properties of a table, none where there is no such table; starts no Spark job."""
        return table_properties(self.spark, self.path(name)) if self.exists(name) else {}

    def set_properties(self, name: str, properties: Mapping[str, str]) -> dict[str, str]:
        """Set properties that the contract does not know of a table, which is created where there is none.

        Returns:
            The properties that the table had before, its constraints among them.
        """
        if not self.exists(name):
            create(self.spark, self.path(name), self.contract(name), properties)
            self._ensured[name] = self.contract(name)
            return {}
        present = table_properties(self.spark, self.path(name))
        changed = {key: value for key, value in properties.items() if present.get(key) != value}
        change_properties(self.spark, self.path(name), self.contract(name), changed)
        return present

    def renew_properties(self, name: str) -> dict[str, str]:
        """Set the properties of the contract that the table lacks, such as a changed retention.

        Returns:
            The properties that the table had before, its constraints among them.
        """
        return self.set_properties(name, self.contract(name).properties())

    def replace_day(
        self,
        name: str,
        day: date,
        frame: DataFrame,
        metadata: dict[str, Any],
        *,
        within: dict[str, str] | None = None,
        about_rows: int = 0,
    ) -> None:
        """Replace a day (or the part of it where the ``within`` columns have these values) in one commit.

        ``metadata`` is stored in the commit itself, so what a day was built from can never disagree
        with its rows. ``about_rows`` is as for ``append``.
        """
        contract = self.ensure(name)
        predicate = f"dt = DATE'{day.isoformat()}'"
        for column, value in (within or {}).items():
            predicate += f" AND {column} = {sql_string(value)}"
        with self.recorded(name, {"dt": day.isoformat(), **metadata}):
            (
                conform(frame, contract)
                .write.format("delta")
                .mode("overwrite")
                .option("replaceWhere", predicate)
                .options(**_gathering(about_rows))
                .save(self.path(name))
            )

    def append(self, name: str, frame: DataFrame, metadata: dict[str, Any], *, about_rows: int = 0) -> None:
        """Add rows whose keys the table does not hold, in one commit that says so.

        Args:
            name: a table with days.
            frame: the contract's columns.
            metadata: stored in the commit.
            about_rows: how many there are; from ``MANY_ROWS`` on they are written as their tasks have them,
                where fewer are first gathered into few files.
        """
        contract = self.ensure(name)
        writer = conform(frame, contract).write.format("delta").mode("append")
        with self.recorded(name, {**metadata, APPENDED: True}):
            writer.options(**_gathering(about_rows)).save(self.path(name))

    def merge_new(
        self,
        name: str,
        frame: DataFrame,
        days: Sequence[date],
        update_when: str,
        metadata: dict[str, Any],
        *,
        helpers: Sequence[str] = (),
        delete_when: str = "false",
        changed: Mapping[str, str] | None = None,
    ) -> dict[str, int]:
        """Insert rows whose key is new and update those for which ``update_when`` holds, in one commit.

        Args:
            name: a table with days.
            frame: the contract's columns and the ``helpers``, one row a key.
            days: the only partitions that are read.
            update_when: compares ``old`` and ``new``.
            metadata: stored in the commit.
            helpers: columns that the conditions need.
            delete_when: for which rows that are there are taken out, and others not inserted.
            changed: columns that an update sets otherwise than to those of ``new``.

        Returns:
            The numbers of rows inserted and updated.
        """
        contract = self.ensure(name)
        listed = ", ".join(f"DATE'{day.isoformat()}'" for day in days)
        in_days = f"old.dt IN ({listed})" if days else "false"
        keys = " AND ".join(f"old.{column} = new.{column}" for column in ("dt", *contract.key))
        columns: dict[str, str | Column] = {name: f"new.{name}" for name in contract.columns}
        rows = conform(frame, contract, *helpers)
        with self.recorded(name, metadata):
            merge = (
                DeltaTable.forPath(self.spark, self.path(name))
                .alias("old")
                .merge(rows.alias("new"), f"{in_days} AND {keys}")
            )
            if delete_when != "false":
                merge = merge.whenMatchedDelete(delete_when)
            result = (
                merge.whenMatchedUpdate(update_when, set={**columns, **(changed or {})})
                .whenNotMatchedInsert(f"NOT ({delete_when})", values=columns)
                .execute()
            )
        row = result.collect()[0]
        return {"inserted": row["num_inserted_rows"], "updated": row["num_updated_rows"]}

    def merge_changes(self, name: str, changes: DataFrame, metadata: dict[str, Any]) -> dict[str, int]:
        """Write changed rows over those of the same key and take out the ones marked, in one commit.

        Args:
            name: a table without days.
            changes: the contract's columns and ``removed``, one row a key.
            metadata: stored in the commit.

        Returns:
            The numbers of rows inserted, updated and removed.
        """
        contract = self.ensure(name)
        keys = " AND ".join(f"old.{column} = new.{column}" for column in contract.key)
        columns: dict[str, str | Column] = {name: f"new.{name}" for name in contract.columns}
        marked = conform(changes, contract, "removed")
        with self.recorded(name, metadata):
            result = (
                DeltaTable.forPath(self.spark, self.path(name))
                .alias("old")
                .merge(marked.alias("new"), keys)
                .whenMatchedDelete("new.removed")
                .whenMatchedUpdate(set=columns)
                .whenNotMatchedInsert("NOT new.removed", values=columns)
                .execute()
            )
        row = result.collect()[0]
        names = {"inserted": "inserted", "updated": "updated", "removed": "deleted"}
        return {name: row[f"num_{counted}_rows"] for name, counted in names.items()}

    def undo(self, name: str, version: int) -> bool:
        """Put a table back as it was before its newest commit.

        Returns:
            False where another commit came since, or where this one must stay: a rewrite takes out what must
            not come back.
        """
        if self.latest_version(name) != version:
            return False
        if is_rewrite(self.spark, self.path(name), version):
            return False
        with self.recorded(name, {"undo": version}):
            DeltaTable.forPath(self.spark, self.path(name)).restoreToVersion(version - 1)
        return True

    def drop_day(self, name: str, day: date, metadata: dict[str, Any]) -> None:
        """Take a day out of a table without reading it, as where its files are lost."""
        with self.recorded(name, metadata):
            DeltaTable.forPath(self.spark, self.path(name)).delete(f"dt = DATE'{day.isoformat()}'")

    def expire(self, name: str, first_kept: date) -> None:
        """Give up the rows of all days before ``first_kept``; rows of no day (``NO_DAY``) stay."""
        with self.recorded(name, {EXPIRED_BEFORE: first_kept.isoformat()}):
            DeltaTable.forPath(self.spark, self.path(name)).delete(
                f"dt < DATE'{first_kept.isoformat()}' AND dt <> DATE'{NO_DAY.isoformat()}'"
            )

    def compact(self, name: str, before: date | None = None) -> None:
        """Write a table's small files together, only those of days before ``before`` where given.

        No row changes.
        """
        compaction = DeltaTable.forPath(self.spark, self.path(name)).optimize()
        if before is not None:
            compaction = compaction.where(f"dt < DATE'{before.isoformat()}'")
        compaction.executeCompaction()
        self.states.written(name)

    def has_files(self, name: str, day: date) -> bool:
        """Tell whether the folder of a day is there."""
        return files.exists(self.spark, f"{self.path(name)}/dt={day.isoformat()}")

    def latest_version(self, name: str) -> int:
        """Return the table's newest Delta version; starts no Spark job."""
        return latest_version(self.spark, self.path(name))

    @contextmanager
    def recorded(self, name: str, metadata: dict[str, Any]) -> Iterator[None]:
        """Store ``metadata`` in the commit that the block makes, even where it changes no row.

        Delta skips empty commits by default, but a day without plays has to be recorded as done too.
        """
        settings = {USER_METADATA: json.dumps(metadata, sort_keys=True), SKIP_EMPTY_COMMITS: "false"}
        for key, value in settings.items():
            self.spark.conf.set(key, value)
        try:
            yield
        finally:
            for key in settings:
                self.spark.conf.unset(key)
            self.states.written(name)


def table_path(root: str, name: str) -> str:
    """Return the folder or URI of a table under a root."""
    return f"{root.rstrip('/')}/{name}"


def read_table(
    spark: SparkSession,
    root: str,
    name: str,
    days: Iterable[date] | None = None,
    *,
    version: int | None = None,
) -> DataFrame:
    """Read a table under a root, for readers that have no configuration.

    Raises:
        ContractError: if the table does not exist.
    """
    path = table_path(root, name)
    if not DeltaTable.isDeltaTable(spark, path):
        raise ContractError(f"table {name} does not exist at {path}; run the step that writes it first")
    reader = spark.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    frame = reader.load(path)
    return frame if days is None else frame.where(F.col("dt").isin(list(days)))


def conform(frame: DataFrame, contract: TableContract, *helpers: str) -> DataFrame:
    """Return the frame with exactly the contract's columns and types, and the ``helpers`` as they are.

    Raises:
        ContractError: naming missing and unknown columns.
    """
    missing = [name for name in contract.columns if name not in frame.columns]
    unknown = [name for name in contract.unknown_columns(frame.columns) if name not in helpers]
    if missing or unknown:
        raise ContractError(
            f"table {contract.name}: missing columns {missing or 'none'}, unknown columns {unknown or 'none'}"
        )
    typed = [F.col(field.name).cast(field.dataType) for field in contract.schema.fields]
    return frame.select(*typed, *helpers)


def _gathering(about_rows: int) -> dict[str, str]:
    """Return the option of a write that leaves rows to the tasks that have them, where they are many."""
    return {"optimizeWrite": "false"} if about_rows >= MANY_ROWS else {}
