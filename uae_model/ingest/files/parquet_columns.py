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


def _below(above: tuple[str, ...], fields: list[pa.Field]) -> Iterator[ParquetColumn]:
    for field in fields:
        steps = (*above, field.name)
        if pa.types.is_struct(field.type) and field.type.num_fields:
            yield from _below(steps, [field.type.field(index) for index in range(field.type.num_fields)])
        else:
            yield ParquetColumn(steps, field.type)
