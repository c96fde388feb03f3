"""The columns of a Parquet file, those within structs by their path: ``user.id``, as in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class ParquetColumn:
    """A column that holds values.

    Attributes:
        steps: the name at the top, then those of the fields that lead to it.
        type: of its values.
    """

    steps: tuple[str, ...]
    type: pa.DataType

    def of(self, batch: pa.RecordBatch) -> pa.Array:
        """Return its values in some rows; they are missing where a struct above them is."""
        values = batch.column(batch.schema.names.index(self.steps[0]))
        for name in self.steps[1:]:
            values = values.flatten()[values.type.get_field_index(name)]
        return values


def columns_of(schema: pa.Schema) -> dict[str, ParquetColumn]:
    """Return the columns by name or path. A name that has the dot itself comes before a path."""
    columns: dict[str, ParquetColumn] = {}
    for column in _below((), list(schema)):
        name = ".".join(column.steps)
        if name not in columns or len(column.steps) < len(columns[name].steps):
            columns[name] = column
    return columns


def occurrences(schema: pa.Schema, column: ParquetColumn) -> int:
    """Return how often a column, or a struct above it, stands in a file; nothing forbids a name twice."""
    fields, most = list(schema), 1
    for name in column.steps:
        same = [field for field in fields if field.name == name]
        most = max(most, len(same))
        fields = _fields_of(same[0].type)
    return most


def _below(above: tuple[str, ...], fields: list[pa.Field]) -> Iterator[ParquetColumn]:
    for field in fields:
        steps = (*above, field.name)
        inner = _fields_of(field.type)
        if inner:
            yield from _below(steps, inner)
        else:
            yield ParquetColumn(steps, field.type)


def _fields_of(kind: pa.DataType) -> list[pa.Field]:
    """Return the fields of a struct; none of any other type."""
    return [kind.field(index) for index in range(kind.num_fields)] if pa.types.is_struct(kind) else []
