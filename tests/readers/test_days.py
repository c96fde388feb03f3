"""Which days a request is answered with: ranges, the newest ones, and publications as they stood once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.published_tables import (
    FIRST,
    LAST,
    morning_after,
    publish,
    publish_week,
    weighted_rows,
)
from uae_model.core.errors import ContractError, InputError, UsageError
from uae_model.readers import (
    published_days,
    read_weights_arrow,
    read_weights_pandas,
    read_weights_polars,
    weighted_batches,
)
from uae_model.readers.days import choose_days, requested_days

BEFORE = LAST - timedelta(days=1)
AGAIN = morning_after(LAST) + timedelta(hours=3)
"""When the last day but one was published anew."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A week of published days, of which the last but one was published again with half of its rows."""
    tables = tmp_path_factory.mktemp("a lake") / "tables"
    publish_week(tables)
    rows = weighted_rows(BEFORE)
    publish(tables, rows[: len(rows) // 2], AGAIN, accepted=["plays"])
    return str(tables)


def ids(rows: Any) -> set[str]:
    return {row["event_id"] for row in rows}


class TestTheNewestDays:
    def test_so_many_of_them_in_their_order(self, tables: str) -> None:
        assert [day.day for day in published_days(tables, latest=2)] == [BEFORE, LAST]
        assert [day.day for day in published_days(tables, latest=99)] == [
            FIRST + timedelta(days=offset) for offset in range(7)
        ]

    def test_every_reader_takes_them(self, tables: str) -> None:
        expected = ids(weighted_rows(LAST))
        assert ids(read_weights_arrow(tables, latest=1).to_pylist()) == expected
        assert set(read_weights_pandas(tables, latest=1)["event_id"]) == expected
        assert set(read_weights_polars(tables, latest=1)["event_id"]) == expected
        batches = list(weighted_batches(tables, latest=1, batch_size=10_000))
        assert [len(batch.label_B) for batch in batches] == [len(expected)]

    def test_overruled_checks_are_told(self, tables: str) -> None:
        assert published_days(tables, latest=1, without_accepted=True)[0].day == LAST
        with pytest.raises(InputError, match=rf"that a person accepted: {BEFORE} \(plays\); leave these"):
            published_days(tables, latest=2, without_accepted=True)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"latest": 0}, "latest = 0: ask for at least one day"),
            (
                {"latest": 2, "first": LAST},
                r"latest = 2: pass either a first \(and last\) day or latest, not",
            ),
            ({"latest": 2, "last": LAST}, "latest = 2: pass either"),
            ({}, "no day is named; pass a first"),
            ({"last": LAST}, "no day is named"),
        ],
    )
    def test_a_request_is_a_range_or_the_newest_days(
        self, tables: str, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(UsageError, match=message):
            published_days(tables, **options)


class TestAsOf:
    @pytest.mark.parametrize("reader", [read_weights_arrow, read_weights_pandas, read_weights_polars])
    def test_the_rows_that_were_published_then(self, tables: str, reader: Callable[..., Any]) -> None:
        rows = len(weighted_rows(BEFORE))
        assert len(reader(tables, BEFORE, as_of=AGAIN - timedelta(seconds=1))) == rows
        assert len(reader(tables, BEFORE, as_of=AGAIN)) == rows // 2
        assert len(reader(tables, BEFORE)) == rows // 2

    def test_batches_too(self, tables: str) -> None:
        batches = weighted_batches(tables, BEFORE, as_of="2026-01-13T06:00:00+00:00")
        assert sum(len(batch.label_B) for batch in batches) == len(weighted_rows(BEFORE))

    @pytest.mark.parametrize(
        ("moment", "newest"),
        [
            ("2026-01-11T05:59:59.999", date(2026, 1, 9)),
            ("2026-01-11T06:00:00", date(2026, 1, 10)),
            ("2026-01-11T07:00:00+01:00", date(2026, 1, 10)),
            ("2026-01-11", date(2026, 1, 9)),
            (datetime(2026, 1, 11, 6, tzinfo=UTC), date(2026, 1, 10)),
            ("2030-01-01", LAST),
        ],
    )
    def test_the_newest_day_then(self, tables: str, moment: datetime | str, newest: date) -> None:
        assert published_days(tables, latest=1, as_of=moment)[0].day == newest

    def test_days_that_were_published_later_are_named(self, tables: str) -> None:
        with pytest.raises(
            InputError,
            match=r"not published at 2026-01-10T12:00:00\+00:00: 2026-01-10; ask for other days or a later "
            r"moment \(published at .*: 3 days from 2026-01-07 to 2026-01-09\)",
        ):
            read_weights_arrow(tables, "2026-01-09", "2026-01-10", as_of="2026-01-10T12:00")

    def test_before_the_first_publication(self, tables: str) -> None:
        with pytest.raises(
            InputError,
            match=r"publications: its log tells nothing of 2026-01-01.*, it begins at 2026-01-08T06",
        ):
            published_days(tables, latest=1, as_of="2026-01-01")

    def test_a_text_that_is_no_moment(self, tables: str) -> None:
        with pytest.raises(UsageError, match="'last night' is no moment; write it like 2026-01-14T06"):
            published_days(tables, latest=1, as_of="last night")

    def test_rows_that_were_given_up_are_told(self, tmp_path: Path) -> None:
        rows = weighted_rows(LAST)
        publish(tmp_path, rows, morning_after(LAST))
        files = list((tmp_path / "weights" / f"dt={LAST}").glob("*.parquet"))
        publish(tmp_path, rows[:9], AGAIN)
        for file in files:
            file.unlink()
        assert read_weights_arrow(str(tmp_path), LAST).num_rows == 9
        with pytest.raises(
            ContractError,
            match=r"weights, day 2026-01-13, version 0: 1 file is gone .*; what stood at 2026-01-14T06.* "
            "is given up; read the day as it is published now",
        ):
            read_weights_arrow(str(tmp_path), LAST, as_of=morning_after(LAST))

    def test_publications_that_were_given_up_are_told(self, tmp_path: Path) -> None:
        publish(tmp_path, weighted_rows(LAST), morning_after(LAST))
        files = list((tmp_path / "publications" / f"dt={LAST}").glob("*.parquet"))
        publish(tmp_path, weighted_rows(LAST), AGAIN)
        for file in files:
            file.unlink()
        with pytest.raises(
            ContractError, match=r"the publications of 2026-01-14T06.* are given up \(retention"
        ):
            published_days(str(tmp_path), LAST, as_of=morning_after(LAST))


class TestWrongPaths:
    """One line says which tables and days there are."""

    SAID = (
        r"the tables (there|at .*/tables) are publications, weights; days with publications: 2026-01-07 to "
    )

    @pytest.mark.parametrize("wrong", ["..", "weights", "tabels", "../tabels", "../plays"])
    def test_tables_near_the_path_are_told(self, tables: str, wrong: str) -> None:
        with pytest.raises(ContractError, match=self.SAID) as error:
            published_days(str((Path(tables) / wrong).resolve()), LAST)
        assert "\n" not in str(error.value)

    def test_a_folder_of_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(
            ContractError,
            match=rf"no table lies at {tmp_path}/x/y or near; pass the folder that publications",
        ):
            published_days(f"{tmp_path}/x/y", LAST)

    def test_a_relative_path(self, tables: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(Path(tables).parent)
        assert published_days("tables", latest=1)[0].day == LAST
        with pytest.raises(
            ContractError, match="no Delta table at tabels/publications; no table lies at tabels"
        ):
            published_days("tabels", LAST)

    def test_where_no_day_was_published(self, tables: str, tmp_path: Path) -> None:
        publish(tmp_path, weighted_rows(LAST), morning_after(LAST))
        (tmp_path / "publications").rename(tmp_path / "other")
        with pytest.raises(ContractError, match="the tables there are other, weights; no day was published"):
            published_days(str(tmp_path), LAST)

    def test_missing_days_come_with_those_that_are_there(self, tables: str) -> None:
        with pytest.raises(
            InputError,
            match=r"not published: 2026-01-14; run uae nightly or uae backfill for these days \(published: 7 "
            r"days from 2026-01-07 to 2026-01-13\)",
        ):
            published_days(tables, LAST, LAST + timedelta(days=1))


def publication(day: date, version: int = 1, status: str = "published") -> dict[str, Any]:
    """Return a row of publications, of a table of before: it has no accepted checks."""
    row = {"dt": day, "table_name": "weights", "status": status}
    return {**row, "delta_version": version, "row_count": 10}


def test_where_nothing_is_published() -> None:
    rows = [publication(LAST, status="withdrawn"), {**publication(LAST), "table_name": "other"}]
    with pytest.raises(InputError, match=r"^published is no day; run uae nightly or uae backfill$"):
        choose_days(rows, requested_days(None, latest=3))
    with pytest.raises(InputError, match=r"^not published: 2026-01-13; run .* \(published is no day\)$"):
        choose_days(rows, requested_days(LAST))
    with pytest.raises(InputError, match=r"\(published: 2026-01-12 alone\)$"):
        choose_days([publication(BEFORE)], requested_days(LAST))


DAYS = st.sets(st.integers(0, 20), min_size=1)


@given(DAYS, st.integers(1, 30))
def test_the_newest_days_are_the_end_of_all(offsets: set[int], latest: int) -> None:
    rows = [publication(FIRST + timedelta(days=offset), offset) for offset in offsets]
    chosen = choose_days(rows, requested_days(None, latest=latest))
    assert [day.delta_version for day in chosen] == sorted(offsets)[-latest:]


@given(DAYS, st.integers(0, 20), st.integers(0, 20))
def test_a_range_has_all_of_its_days_or_is_refused(offsets: set[int], first: int, length: int) -> None:
    rows = [publication(FIRST + timedelta(days=offset), offset) for offset in offsets]
    wanted = range(first, first + length + 1)
    start, end = (FIRST + timedelta(days=offset) for offset in (wanted[0], wanted[-1]))
    if offsets.issuperset(wanted):
        chosen = choose_days(rows, requested_days(start, end))
        assert [day.delta_version for day in chosen] == list(wanted)
    else:
        with pytest.raises(InputError, match="not published"):
            choose_days(rows, requested_days(start, end))
