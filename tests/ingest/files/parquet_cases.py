"""Parquet as several writers write it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa

from tests.ingest.files.cases import Case
from tests.ingest.files.writers import COLUMNS, PLAYS, as_parquet

TIMED = [{**row, "played_at": datetime.fromisoformat(str(row["played_at"]))} for row in PLAYS]


def by_polars(**columns: pl.Expr | pl.Series) -> bytes:
    """Write plays as polars does, with some columns changed."""
    sink = io.BytesIO()
    pl.DataFrame(TIMED).with_columns(**columns).write_parquet(sink)
    return sink.getvalue()


def by_pandas(**columns: Any) -> bytes:
    """Write plays as pandas does, with some columns changed."""
    sink = io.BytesIO()
    pd.DataFrame(TIMED).assign(**columns).to_parquet(sink)
    return sink.getvalue()


def _written_by_others() -> dict[str, Case]:
    users, times = ["u0", "u1", "u0"], [row["played_at"] for row in TIMED]
    right: dict[str, Sequence[object]] = {"user_id": users, "instant": times}
    played = pl.col("played_at")
    exact = {"user_id": ["7", "12345678901234567890", "7"]}
    decimals = pl.Series(["7", "12345678901234567890", "7"]).cast(pl.Decimal(38, 2))
    whole = pd.array([7, None, 8], "Int64")
    return {
        "parquet: polars": Case("parquet", by_polars(), rows=3, values=right),
        "parquet: polars' categories": Case(
            "parquet", by_polars(user_id=pl.col("user_id").cast(pl.Categorical)), rows=3, values=right
        ),
        "parquet: polars' nanoseconds of a zone": Case(
            "parquet",
            by_polars(played_at=played.dt.cast_time_unit("ns").dt.convert_time_zone("Asia/Tokyo")),
            rows=3,
            values=right,
        ),
        "parquet: polars' decimals": Case("parquet", by_polars(user_id=decimals), rows=3, values=exact),
        "parquet: polars' durations": Case(
            "parquet", by_polars(played_ms=pl.duration(seconds=3)), error="'played_ms' is of type duration"
        ),
        "parquet: polars without a row": Case("parquet", _no_rows()),
        "parquet: pandas": Case("parquet", by_pandas(), rows=3, values=right),
        "parquet: pandas' missing numbers": Case(
            "parquet", by_pandas(user_id=[7.0, None, 8.0]), rows=3, values={"user_id": ["7", None, "8"]}
        ),
        "parquet: pandas' nullable numbers": Case(
            "parquet", by_pandas(user_id=whole), rows=3, values={"user_id": ["7", None, "8"]}
        ),
        "parquet: pandas' categories": Case(
            "parquet", by_pandas(user_id=pd.Categorical(users)), rows=3, values=right
        ),
        "parquet: an endless id": Case(
            "parquet",
            by_pandas(user_id=[7.0, float("inf"), 8.0]),
            rows=3,
            values={"user_id": ["7", None, "8"]},
        ),
    }


def _no_rows() -> bytes:
    sink = io.BytesIO()
    pl.DataFrame(TIMED).clear().write_parquet(sink)
    return sink.getvalue()


PARQUET: dict[str, Case] = {
    **_written_by_others(),
    "parquet: nothing": Case("parquet", b"", error="no whole Parquet file"),
    "parquet: text": Case("parquet", b"user_id,song_id\n" * 20, error="no whole Parquet file"),
    "parquet: cut": Case("parquet", as_parquet(PLAYS)[:-20], error="no whole Parquet file"),
    "parquet: damaged rows": Case(
        "parquet",
        as_parquet(PLAYS)[:4] + b"\xff" * 200 + as_parquet(PLAYS)[204:],
        error="its rows cannot be read",
    ),
    "parquet: a column missing": Case("parquet", as_parquet([{"user_id": "u"}]), error="no column song_id"),
    "parquet: optional columns missing": Case(
        "parquet",
        as_parquet(
            [{name: row[name] for name in COLUMNS if name not in ("event_id", "played_ms")} for row in PLAYS]
        ),
        rows=3,
        values={"event_id": [None] * 3},
    ),
    **{
        f"parquet: played_ms as {kind}": Case(
            "parquet", as_parquet(PLAYS, played_ms=kind), rows=3, values={"played_ms": ["30000"] * 3}
        )
        for kind in (pa.int16(), pa.int32(), pa.uint64(), pa.float32(), pa.float64())
    },
    "parquet: a column of nothing": Case(
        "parquet",
        as_parquet([{**row, "played_ms": None} for row in PLAYS], played_ms=pa.null()),
        rows=3,
        values={"played_ms": [None] * 3},
    ),
    "parquet: ids as floats": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": 7.0}, {**PLAYS[1], "user_id": 12345678.0}]),
        rows=2,
        values={"user_id": ["7", "12345678"]},
    ),
    "parquet: ids as floats, one missing": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": 7.0}, {**PLAYS[1], "user_id": float("nan")}]),
        rows=2,
        values={"user_id": ["7", None]},
    ),
    "parquet: ids that are no longer exact": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": 2.0**53 + 2}, {**PLAYS[1], "user_id": 7.0}]),
        rows=1,
        bad=1,
        values={"user_id": ["7"]},
    ),
    "parquet: ids as uint64": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": 2**64 - 1}], user_id=pa.uint64()),
        rows=1,
        values={"user_id": [str(2**64 - 1)]},
    ),
    "parquet: ids in a dictionary": Case(
        "parquet",
        as_parquet(PLAYS, user_id=pa.dictionary(pa.int32(), pa.string())),
        rows=3,
        values={"user_id": ["u0", "u1", "u0"]},
    ),
    "parquet: bytes": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "user_id": b"Jo\xe3o"}, {**PLAYS[1], "user_id": b"u1"}]),
        rows=1,
        bad=1,
        values={"user_id": ["u1"]},
        kinds=("the text is not UTF-8",),
    ),
    "parquet: a list": Case(
        "parquet", as_parquet([{**PLAYS[0], "artist": ["A"]}]), error="column 'artist' is of type list"
    ),
    "parquet: a clock": Case(
        "parquet",
        as_parquet([{**PLAYS[0], "played_at": 1}], played_at=pa.time64("us")),
        error="'played_at' is of type time",
    ),
    "parquet: a clock that nobody reads": Case(
        "parquet", as_parquet([{**PLAYS[0], "x": 1, "y": 1}], x=pa.time32("s"), y=pa.timestamp("ns")), rows=1
    ),
}
