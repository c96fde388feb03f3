"""Tables are created by their contracts, and extended where a contract has grown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import types as T  # noqa: N812 - the usual name of pyspark's types

from uae_model.core.errors import ContractError
from uae_model.core.logs import log, warn
from uae_model.lake.contract import TableContract
from uae_model.lake.contracts import UNKNOWN_COLUMN_REMEDY

CONSTRAINT = "delta.constraints."
"""How the names of properties begin in which Delta keeps the CHECK constraints of a table."""


def create(
    spark: SparkSession,
    path: str,
    contract: TableContract,
    properties: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Create a table with its constraints, in one commit; ALTER TABLE takes a second for each."""
    builder = DeltaTable.createIfNotExists(spark).location(path).addColumns(contract.schema)
    if contract.partition:
        builder = builder.partitionedBy(contract.partition)
    constraints = {_constraint_property(name): check for name, check in contract.constraints.items()}
    for key, value in {**contract.properties(), **constraints, **properties}.items():
        builder = builder.property(key, value)
    builder.comment(contract.purpose).execute()
    log("table created", table=contract.name, path=path)


def add_missing_columns(
    spark: SparkSession, path: str, contract: TableContract, schema: T.StructType
) -> None:
    """Add columns that are new in the contract, and tell of those that it does not know.

    Raises:
        ContractError: naming a column of another type, and both types.
    """
    actual = {field.name: field.dataType for field in schema.fields}
    for name in contract.unknown_columns(list(actual)):
        warn(
            "a table has a column that the configuration does not know: no step reads it or fills it",
            table=contract.name,
            column=name,
            remedy=UNKNOWN_COLUMN_REMEDY,
        )
    for column in contract.schema.fields:
        wanted = column.dataType.simpleString()
        if column.name not in actual:
            spark.sql(f"ALTER TABLE {_in_sql(path)} ADD COLUMNS ({column.name} {wanted})")
            log("column added", table=contract.name, column=column.name)
        elif actual[column.name] != column.dataType:
            raise ContractError(
                f"table {contract.name}, column {column.name}: is {actual[column.name].simpleString()}, "
                f"the configuration wants {wanted}; rename the feature or use a new paths.tables"
            )


def change_properties(
    spark: SparkSession, path: str, contract: TableContract, changed: Mapping[str, str]
) -> None:
    """Set properties of a table, in one commit; none where there are none."""
    if changed:
        listed = ", ".join(f"{sql_string(key)} = {sql_string(value)}" for key, value in changed.items())
        spark.sql(f"ALTER TABLE {_in_sql(path)} SET TBLPROPERTIES ({listed})")
        log("table properties set", table=contract.name, properties=dict(changed))


def add_missing_constraints(
    spark: SparkSession, path: str, contract: TableContract, present: Mapping[str, str]
) -> None:
    """Add the contract's constraints that a table with these properties lacks."""
    for name, condition in contract.constraints.items():
        if _constraint_property(name) not in present:
            spark.sql(f"ALTER TABLE {_in_sql(path)} ADD CONSTRAINT {name} CHECK ({condition})")


def sql_string(text: str) -> str:
    """Return a text as SQL writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _in_sql(path: str) -> str:
    return f"delta.`{path}`"  # settings refuse a backtick


def _constraint_property(name: str) -> str:
    """Return the table property in which Delta keeps a CHECK constraint."""
    return f"{CONSTRAINT}{name}"
