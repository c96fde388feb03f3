"""Files that tasks wrote by Arrow replace a day, after the checks that Delta makes of Spark's rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from tests.builders import DAY
from tests.lake.test_copies import files, songs, write
from uae_model.core.errors import ContractError
from uae_model.lake import TableStore, Unit
from uae_model.lake import files as lake_files
from uae_model.lake.added import append_files, file_form, local_files_of_day, replace_day_by_files
from uae_model.lake.data_files import DataFile, FileForm, remove_data_file, write_data_files

NEXT = DAY + timedelta(days=1)
AT = datetime(2026, 1, 5, 8, 30, 0, 123_456, tzinfo=UTC)


@pytest.fixture
def form(store: TableStore) -> FileForm:
    made = file_form(store, "scores")
    assert made is not None
    return made


def rows_of(form: FileForm, *rows: dict[str, Any]) -> pa.Table:
    """Return rows with plain values for what they leave out."""

    def plain(field: pa.Field) -> Any:
        if pa.types.is_timestamp(field.type):
            return AT
        return {pa.string(): "x", pa.bool_(): False, pa.float64(): 0.5}.get(field.type, 1)

    filled = [{field.name: plain(field) for field in form.schema} | row for row in rows]
    return pa.Table.from_pylist(filled, form.schema)


def written(form: FileForm, *rows: dict[str, Any], number: int = 0) -> DataFile:
    (file,) = write_data_files(form, number, [(DAY, rows_of(form, row)) for row in rows])
    return file


def lying(form: FileForm) -> list[Path]:
    return [path for path in Path(form.folder).glob("dt=*/*") if path.is_file()]


def test_files_take_the_place_of_a_day_and_its_neighbour_stays(store: TableStore, form: FileForm) -> None:
    write(store, "scores", DAY, ["old"])
    write(store, "scores", NEXT, ["neighbour"])
    added = [written(form, {"song_id": "a"}, {"song_id": "b"}), written(form, {"song_id": "c"}, number=1)]
    assert [file.rows for file in added] == [2, 1]
    replace_day_by_files(
        store, "scores", DAY, added, {"unit": ["scores", str(DAY), ""], "inputs": {}, "counts": {"n": 3}}
    )
    assert songs(store, "scores", DAY) == ["a", "b", "c"]
    assert songs(store, "scores", NEXT) == ["neighbour"]
    state = store.states.get(Unit("scores", DAY))
    assert state is not None
    assert (state.version, state.counts) == (store.latest_version("scores"), {"n": 3, "rows": 3})
    found = local_files_of_day(store, "scores", DAY)
    assert found == sorted(f"{form.folder}/{file.path}" for file in added)


def test_every_value_is_read_as_it_was_written(store: TableStore, form: FileForm) -> None:
    row = {"event_id": "é", "played_at": AT, "played_ms": None, "position": 7, "attention": 0.1, "label": 0}
    replace_day_by_files(store, "scores", DAY, [written(form, row)], {"step": "test"})
    (found,) = store.read("scores").collect()
    assert {name: found[name] for name in row} == {**row, "played_at": AT.replace(tzinfo=None)}
    assert found["dt"] == DAY
    assert set(found.asDict()) == set(store.contract("scores").columns)


def test_rows_of_several_days_are_added_beside_those_that_are_there(
    store: TableStore, form: FileForm
) -> None:
    write(store, "scores", DAY, ["old"])
    parts = [(DAY, {"song_id": "a"}), (NEXT, {"song_id": "b"}), (DAY, {"song_id": "c"})]
    added = write_data_files(form, 0, [(day, rows_of(form, row)) for day, row in parts])
    assert [(file.path.partition("/")[0], file.rows) for file in added] == [
        (f"dt={DAY}", 2),
        (f"dt={NEXT}", 1),
    ]
    append_files(store, "scores", added, {"unit": ["slots", str(DAY), ""], "inputs": {}, "counts": {}})
    assert songs(store, "scores", DAY) == ["a", "c", "old"]
    assert songs(store, "scores", NEXT) == ["b"]
    assert all(row["dt"] == NEXT for row in store.read("scores", [NEXT]).collect())


def test_no_rows_are_no_file_and_an_empty_day(store: TableStore, form: FileForm) -> None:
    write(store, "scores", DAY, ["old"])
    before = files(store, "scores", DAY)
    assert write_data_files(form, 0, []) == []
    assert write_data_files(form, 0, [(DAY, rows_of(form))]) == []
    assert files(store, "scores", DAY) == before
    replace_day_by_files(store, "scores", DAY, [], {"step": "test"})
    assert songs(store, "scores", DAY) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"attention": 1.5}, r"attention_is_share \(attention BETWEEN 0 AND 1\)"),
        ({"propensity": float("nan")}, "propensity_is_share"),
        ({"is_active": True, "sample_weight": 0.5}, "active_weighs_one"),
    ],
)
def test_a_row_that_breaks_a_constraint_is_named_and_nothing_is_committed(
    store: TableStore, form: FileForm, row: dict[str, Any], told: str
) -> None:
    before = write(store, "scores", DAY, ["old"])
    added = [written(form, {"song_id": "a"}), written(form, {"session_id": "s7", "position": 3, **row})]
    with pytest.raises(ContractError, match=rf"table scores, dt={DAY}, row {{s7, 3}}: .*{told}"):
        replace_day_by_files(store, "scores", DAY, added, {"step": "test"})
    assert store.latest_version("scores") == before


def test_a_constraint_that_somebody_added_holds_as_well(store: TableStore, form: FileForm) -> None:
    store.spark.sql(f"ALTER TABLE delta.`{store.path('scores')}` ADD CONSTRAINT own CHECK (position < 9)")
    with pytest.raises(ContractError, match=r"the constraint own \(position < 9\)"):
        replace_day_by_files(store, "scores", DAY, [written(form, {"position": 9})], {"step": "test"})


def test_a_column_without_a_value_is_named_and_no_file_is_left(form: FileForm) -> None:
    with pytest.raises(ContractError, match=rf"table scores, dt={DAY}, column user_id: 1 rows have no value"):
        written(form, {"user_id": "u"}, {"user_id": None})
    assert lying(form) == []


def test_the_checksum_beside_a_file_is_hadoops(store: TableStore, form: FileForm) -> None:
    file = written(form, *({"event_id": str(number)} for number in range(1_000)))
    path = Path(form.folder) / file.path
    lake_files.copy(store.spark, str(path), str(path.with_name("copy")))
    of_hadoop, own = (path.with_name(f".{name}.crc") for name in ("copy", path.name))
    assert own.read_bytes() == of_hadoop.read_bytes()


def test_a_damaged_byte_is_told(store: TableStore, form: FileForm) -> None:
    added = [written(form, *({"event_id": str(number)} for number in range(100)))]
    replace_day_by_files(store, "scores", DAY, added, {"step": "test"})
    (file,) = files(store, "scores", DAY)
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    with pytest.raises(Py4JJavaError, match="Checksum error"):
        store.read("scores").collect()


def test_a_file_that_is_not_wanted_goes_with_its_checksum(form: FileForm) -> None:
    file = written(form, {})
    assert len(lying(form)) == 2
    remove_data_file(form, file)
    assert lying(form) == []


def test_text_alone_has_a_dictionary_and_times_are_microseconds(form: FileForm) -> None:
    file = written(form, {"event_id": "a"}, {"event_id": "b"})
    described = pq.read_metadata(f"{form.folder}/{file.path}")
    group = described.row_group(0)
    columns = {
        group.column(number).path_in_schema: group.column(number) for number in range(group.num_columns)
    }
    assert {name for name, column in columns.items() if "RLE_DICTIONARY" in column.encodings} == {
        field.name for field in form.schema if field.type == pa.string() and field.name != "event_id"
    }
    logical = json.loads(described.schema.column(form.schema.names.index("played_at")).logical_type.to_json())
    assert (logical["Type"], logical["timeUnit"]) == ("Timestamp", "microseconds")
    assert {column.compression for column in columns.values()} == {"ZSTD"}


def test_tasks_write_no_files_to_other_storage(
    store: TableStore, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ensure("scores")
    monkeypatch.setattr(lake_files, "local_path", lambda spark, path: None)
    assert file_form(store, "scores") is None
    assert local_files_of_day(store, "scores", DAY) is None
