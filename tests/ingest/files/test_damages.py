"""Formats times kinds of damage: every row is read as an independent reader reads it, or told of."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from tests.ingest.files.damages import CASES
from tests.ingest.files.writers import COLUMNS, PLAYS, as_parquet, layout_of, outcome
from uae_model.ingest.files import FilePart, Layout, read_part
from uae_model.ingest.files.text import NotExactError, id_of_number


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_read_or_told_of(name: str) -> None:
    case = CASES[name]
    found = outcome(case.content, layout_of(case.form, **case.settings), case.name)
    if case.error:
        assert case.error in found.report.error
        assert "\n" not in found.report.error
        return
    assert found.report.error == ""
    assert (len(found.rows), len(found.problems)) == (case.rows, case.bad)
    for column, values in case.values.items():
        assert [row[column] for row in found.rows] == values
    assert tuple(kind for kind, _, _ in found.problems)[: len(case.kinds)] == case.kinds
    for _, _, raw in found.problems:
        raw.encode()  # readable, and fit for a table


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "+02:00"])
def test_times_of_any_unit_are_instants(unit: str, zone: str | None) -> None:
    moment = datetime(2026, 3, 2, 9, 1, tzinfo=UTC)
    kind = pa.timestamp(unit, zone)
    values = pa.array([moment.replace(tzinfo=None) if zone is None else moment], kind)
    content = as_parquet([{**PLAYS[0], "played_at": values[0].as_py()}], played_at=kind)
    (row,) = outcome(content, layout_of("parquet")).rows
    assert row["instant"] == moment


def test_a_date_is_its_midnight_and_a_time_out_of_range_one_bad_row() -> None:
    dated = as_parquet([{**PLAYS[0], "played_at": datetime(2026, 3, 2).date()}])
    (row,) = outcome(dated, layout_of("parquet")).rows
    assert row["instant"] == datetime(2026, 3, 2, tzinfo=UTC)
    far = as_parquet(
        [{**PLAYS[0], "played_at": 2**60}, {**PLAYS[1], "played_at": 0}], played_at=pa.timestamp("s")
    )
    found = outcome(far, layout_of("parquet"))
    assert [kind for kind, _, _ in found.problems] == ["a time is out of range"]
    assert len(found.rows) == 1


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 50])
def test_the_parts_of_a_file_are_the_file(parts: int) -> None:
    import io

    lines = [f'{{"user_id": "{"u" * (number % 5)}{number}"}}' for number in range(20)]
    content = ("\n".join(lines) + "\n").encode()
    layout = Layout("jsonl", ("user_id",))
    read = []
    for number in range(parts):
        part = FilePart("a", "a", len(content), number, parts)
        for batch in read_part(part, layout, lambda _: io.BytesIO(content)):
            read += [row["raw"] for row in batch.to_pylist() if row["raw"]]
    assert read == lines


def test_columns_are_told_in_letters_that_can_be_printed() -> None:
    content = b"user_id,song_id,played_at,feedback,titr\xe9\nu,s,t,f,x\n"
    report = outcome(content, layout_of("csv")).report
    assert report.columns[-1] == "titr\\xe9"
    assert not report.error


def test_an_id_is_exact_up_to_2_to_the_53() -> None:
    assert id_of_number("9007199254740992.0") == "9007199254740992"
    assert id_of_number("-7.0") == "-7"
    with pytest.raises(NotExactError):
        id_of_number("9007199254740994.0")


def test_names_in_a_spotify_file_are_reported_without_being_told() -> None:
    entries = b'[{"ts": "t", "username": "ann"}, {"ts": "t", "username": "bob"}, {"ts": "t"}]'
    report = outcome(entries, layout_of("json_arrays")).report
    assert len(report.usernames) == 2
    assert "ann" not in report.to_text()
    assert report.listener == "left"


@pytest.mark.parametrize("before", ['"', "x", "5", "é"])
@pytest.mark.parametrize("after", ['"', "x", "_"])
def test_no_address_survives_beside_a_damaged_character(before: str, after: str) -> None:
    content = f'[{{"ts": "t", "ip_addr": {before}192.0.2.1{after}}}]'.encode()
    assert "192.0" not in str(outcome(content, layout_of("json_arrays")))


def test_no_address_survives_whole_or_cut() -> None:
    content = b'[{"ts": "t", "ip_addr": "192.0.2.1"}, {"ts": "t", "ip_addr_decrypted": "192.0.2'
    found = outcome(content, layout_of("json_arrays"))
    assert (len(found.rows), len(found.problems)) == (1, 1)
    assert "192.0" not in str(found)


def test_a_damaged_parquet_footer_loses_no_rows_without_a_word() -> None:
    """Arrow reads some damaged footers as those of a file without rows."""
    content = as_parquet([dict.fromkeys(COLUMNS, "1") for _ in range(3)])
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    draw = random.Random(3)
    for place in range(footer, len(content) - 8):
        damaged = content[:place] + bytes([draw.randrange(256)]) + content[place + 1 :]
        read = outcome(damaged, layout_of("parquet"))
        assert read.report.error or read.counted == 3, place
