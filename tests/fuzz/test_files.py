"""Whatever a file holds: no crash, no row unaccounted for, no two users made one."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest.files.idomaar_cases import LOVE, SESSION, TRACK
from tests.ingest.files.writers import COLUMNS, as_csv, as_jsonl, as_parquet, as_spotify, layout_of, outcome

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("UAE_FUZZ_EXAMPLES", "40"))
"""Files of each of the tests below: few in ``make test``, 800 in ``make fuzz``."""

fuzzed = settings(
    max_examples=EXAMPLES, derandomize=EXAMPLES < 100, suppress_health_check=[HealthCheck.too_slow]
)

TEXT = st.text(max_size=12)
IDS = st.one_of(
    st.text(min_size=1, max_size=8).filter(lambda text: text.strip() != "" and text.isprintable()),
    st.sampled_from(["Zoé", "Zoè", "7", "07", "a b", "ünï"]),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            **{
                "event_id": TEXT,
                "user_id": IDS,
                "song_id": IDS,
                "played_at": st.just("2026-03-02T09:00:00Z"),
            },
            **{"played_ms": st.integers(-1, 10**7), "feedback": st.sampled_from(["skip", "like"])},
            "artist": TEXT,
        }
    ),
    min_size=1,
    max_size=12,
)
PLACES = st.integers(0, 10_000)
BYTES = st.binary(min_size=1, max_size=4)


def damaged(content: bytes, place: int, kind: str, other: bytes) -> bytes:
    """Return the content with bytes taken out, put in, changed, doubled, or with its end cut off."""
    at = place % (len(content) + 1)
    return {
        "cut": content[:at],
        "put in": content[:at] + other + content[at:],
        "changed": content[:at] + other + content[at + len(other) :],
        "taken out": content[:at] + content[at + len(other) :],
        "doubled": content + content[at:],
        "none": content,
    }[kind]


KINDS = st.sampled_from(["cut", "put in", "changed", "taken out", "doubled", "none"])


def users_of(rows: list[dict[str, Any]]) -> set[str]:
    return {str(row["user_id"]) for row in rows}


@given(rows=ROWS)
@fuzzed
def test_csv_is_what_python_reads(rows: list[dict[str, Any]]) -> None:
    content = as_csv(rows)
    found = outcome(content, layout_of("csv"))
    read = list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    assert found.counted == len(read) == len(rows)
    assert [row["artist"] for row in found.rows] == [row["artist"] for row in read]
    assert len(users_of(found.rows)) == len(users_of(rows)) - _floats(rows)


def _floats(rows: list[dict[str, Any]]) -> int:
    """Return how many ids are another one written as a floating-point number, which CSV cannot tell."""
    ids = users_of(rows)
    return sum(1 for each in ids if each.endswith(".0") and each[:-2] in ids)


@given(rows=ROWS, place=PLACES, kind=KINDS, other=BYTES)
@fuzzed
def test_damaged_csv(rows: list[dict[str, Any]], place: int, kind: str, other: bytes) -> None:
    content = damaged(as_csv(rows), place, kind, other)
    found = outcome(content, layout_of("csv"))
    if not found.report.error:
        text = content.decode("utf-8-sig", "surrogateescape")
        records = [record for record in csv.reader(io.StringIO(text, newline="")) if record]
        blank = next((n for n, record in enumerate(records) if any(cell.strip() for cell in record)), 0)
        assert found.counted == max(0, len(records) - blank - 1)


DIALECTS = st.fixed_dictionaries(
    {
        **{"delimiter": st.sampled_from(",;\t|"), "quotechar": st.sampled_from("\"'")},
        **{"doublequote": st.booleans(), "end": st.sampled_from(["\n", "\r\n"])},
        "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    }
)


@given(rows=ROWS, dialect=DIALECTS)
@fuzzed
def test_csv_of_any_dialect_by_setting(rows: list[dict[str, Any]], dialect: dict[str, Any]) -> None:
    escape = "" if dialect["doublequote"] else "\\"
    content = as_csv(rows, **dialect, **({"escapechar": escape} if escape else {}))
    settings = {"delimiter": dialect["delimiter"], "quote": dialect["quotechar"], "escape": escape}
    found = outcome(content, layout_of("csv", **settings))
    assert [row["artist"] for row in found.rows] == [row["artist"] for row in rows]
    assert found.problems == []


LINES_OF_30_MUSIC = {"30music_sessions": SESSION, "30music_loves": LOVE, "30music_tracks": TRACK}


@given(form=st.sampled_from(sorted(LINES_OF_30_MUSIC)), place=PLACES, kind=KINDS, other=BYTES)
@fuzzed
def test_damaged_30_music(form: Any, place: int, kind: str, other: bytes) -> None:
    line = LINES_OF_30_MUSIC[form]
    content = damaged(f"{line}\n{line}\n".encode(), place, kind, other)
    found = outcome(content, layout_of(form))
    if found.report.error:
        return
    lines = [each for each in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if each.strip()]
    assert found.counted >= len(lines)
    if form != "30music_sessions":
        assert found.counted == len(lines)


@given(rows=ROWS)
@fuzzed
def test_json_lines_are_what_python_reads(rows: list[dict[str, Any]]) -> None:
    found = outcome(as_jsonl(rows), layout_of("jsonl"))
    assert [row["user_id"] for row in found.rows] == [row["user_id"] for row in rows]
    assert [row["artist"] for row in found.rows] == [row["artist"] for row in rows]


@given(rows=ROWS, place=PLACES, kind=KINDS, other=BYTES)
@fuzzed
def test_damaged_json_lines(rows: list[dict[str, Any]], place: int, kind: str, other: bytes) -> None:
    content = damaged(as_jsonl(rows), place, kind, other)
    found = outcome(content, layout_of("jsonl"))
    if found.report.error:
        return
    lines = [line for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    whole = [json.loads(line) for line in lines if _is_object(line)]
    assert found.counted >= len(lines)
    assert len(found.rows) >= len(whole) - sum(1 for each in whole if not _is_text(each))
    assert len(found.problems) <= len(lines) - len([each for each in whole if _is_text(each)])


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode()), dict)
    except ValueError:
        return False


def _is_text(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@given(rows=ROWS, names=st.permutations(COLUMNS), left=st.integers(0, 2))
@fuzzed
def test_parquet_of_any_order_of_columns(rows: list[dict[str, Any]], names: list[str], left: int) -> None:
    kept = [name for name in names if name not in ("event_id", "played_ms")[:left]]
    content = as_parquet([{name: row[name] for name in kept} for row in rows])
    found = outcome(content, layout_of("parquet"))
    table = pq.read_table(io.BytesIO(content))
    assert found.counted == table.num_rows
    assert [row["user_id"] for row in found.rows] == table["user_id"].to_pylist()


TYPES = st.sampled_from(
    [pa.int8(), pa.int64(), pa.uint64(), pa.float32(), pa.float64(), pa.string(), pa.binary(), pa.null()]
)


@given(values=st.lists(st.integers(0, 100), min_size=1, max_size=9), user=TYPES, artist=TYPES)
@fuzzed
def test_parquet_of_any_type(values: list[int], user: pa.DataType, artist: pa.DataType) -> None:
    def cell(value: int, kind: pa.DataType) -> Any:
        if pa.types.is_null(kind):
            return None
        if pa.types.is_string(kind) or pa.types.is_binary(kind):
            return str(value) if pa.types.is_string(kind) else str(value).encode()
        return value

    rows = [
        {
            **{"user_id": cell(value, user), "artist": cell(value, artist), "song_id": "s"},
            **{"played_at": "t", "feedback": "like"},
        }
        for value in values
    ]
    found = outcome(as_parquet(rows, user_id=user, artist=artist), layout_of("parquet"))
    expected = [None if pa.types.is_null(user) else str(value) for value in values]
    assert [row["user_id"] for row in found.rows] == expected


@given(rows=ROWS, place=PLACES, kind=KINDS, other=BYTES)
@fuzzed
def test_damaged_parquet(rows: list[dict[str, Any]], place: int, kind: str, other: bytes) -> None:
    content = damaged(as_parquet(rows), place, kind, other)
    found = outcome(content, layout_of("parquet"))
    if not found.report.error:
        assert found.counted == pq.ParquetFile(io.BytesIO(content)).metadata.num_rows


@given(rows=ROWS, place=PLACES, kind=KINDS, other=BYTES)
@fuzzed
def test_damaged_spotify(rows: list[dict[str, Any]], place: int, kind: str, other: bytes) -> None:
    content = damaged(as_spotify(rows), place, kind, other)
    found = outcome(content, layout_of("json_arrays"))
    if found.report.error:
        return
    if kind == "none":
        assert (len(found.rows), len(found.problems)) == (len(rows), 0)
    if kind == "cut":
        assert len(found.problems) <= 1
    assert "192.0.2.1" not in str([*found.rows, *found.problems])


@given(rows=ROWS, form=st.sampled_from(["csv", "jsonl"]), place=PLACES, kind=KINDS, other=BYTES)
@fuzzed
def test_damaged_compression(
    rows: list[dict[str, Any]], form: Any, place: int, kind: str, other: bytes
) -> None:
    packed = gzip.compress(as_csv(rows) if form == "csv" else as_jsonl(rows), mtime=0)
    content = damaged(packed, place, kind, other)
    found = outcome(content, layout_of(form), "a.gz")
    if not found.report.error and content:
        assert found.counted >= len(rows) or gzip.decompress(content) == b""


@pytest.mark.parametrize("form", ["csv", "jsonl", "json_arrays", "parquet", "lines", "30music_sessions"])
@given(content=st.binary(max_size=300))
@fuzzed
def test_bytes_of_any_kind(form: Any, content: bytes) -> None:
    outcome(content, layout_of(form))
