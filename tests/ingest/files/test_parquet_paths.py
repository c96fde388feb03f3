"""A name with dots is a path into structs, unless a column has that very name."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from uae_model.ingest.files.layout import FilePart, Layout, UnreadableFileError
from uae_model.ingest.files.parquet_file import read_parquet

NESTED: list[dict[str, Any]] = [
    {"user": {"id": 7.0, "plan": {"kind": "paid"}}, "song": "s1"},
    {"user": {"id": 8.0, "plan": None}, "song": "s2"},
    {"user": None, "song": "s3"},
]


def read(rows: list[dict[str, Any]], *columns: str) -> tuple[list[list[Any]], tuple[str, ...]]:
    """Return the values of some columns of a file, and the names that it tells."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    told: list[tuple[str, ...]] = []
    layout = Layout("parquet", columns, required=("song",), ids=frozenset({"user.id"}))
    part = FilePart("plays.parquet", "plays.parquet", len(file.getvalue()))
    (batch,) = read_parquet(file, part, layout, told.append)
    return [[] if values is None else values.to_pylist() for values in batch.columns], told[0]


def test_a_path_leads_into_structs_and_a_missing_struct_has_no_value() -> None:
    values, names = read(NESTED, "user.id", "user.plan.kind", "song", "user.other")
    assert values == [["7", "8", None], ["paid", None, None], ["s1", "s2", "s3"], []]
    assert names == ("user.id", "user.plan.kind", "song")


def test_a_column_of_that_very_name_comes_before_a_path() -> None:
    rows: list[dict[str, Any]] = [{"user": {"id": 1}, "user.id": "own", "song": "s1"}]
    assert read(rows, "user.id", "song")[0] == [["own"], ["s1"]]


@pytest.mark.parametrize(
    "inside", [{"id": pa.array(["u1"]), "id ": pa.array(["u2"])}, {"id": pa.array(["u1"])}]
)
def test_a_path_that_stands_twice_is_told(inside: dict[str, pa.Array]) -> None:
    struct = pa.StructArray.from_arrays(list(inside.values()), names=[name.strip() for name in inside])
    above = ["user"] if len(inside) > 1 else ["user", "user"]
    table = pa.table([struct] * len(above) + [pa.array(["s1"])], names=[*above, "song"])
    file = io.BytesIO()
    pq.write_table(table, file)
    layout = Layout("parquet", ("user.id", "song"), required=("song",))
    with pytest.raises(UnreadableFileError, match=r"column 'user\.id' stands 2 times; leave one"):
        list(read_parquet(file, FilePart("a", "a", 1), layout, lambda names: None))


def test_a_struct_itself_is_no_column() -> None:
    with pytest.raises(
        UnreadableFileError, match=r"no column song; its columns are user\.id, song\.id; name"
    ):
        read([{"user": {"id": 1}, "song": {"id": 2}}], "song")
