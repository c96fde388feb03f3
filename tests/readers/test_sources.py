"""Where published days are read: whatever anyone does to the table, their rows or one line of error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import DAY
from uae_model.core.errors import ContractError
from uae_model.readers.delta_log import DeltaLog
from uae_model.readers.sources import DaySource, damaged_days, find_sources, require_sources

NEXT = DAY + timedelta(days=1)
PROTOCOL = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 3}}


@dataclass
class Memory:
    """A table in memory: its commits, and the rows of the files that are there."""

    commits: list[list[dict[str, Any]]] = field(default_factory=lambda: [[PROTOCOL]])
    files: dict[str, int] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    forgotten: int = 0

    def names(self, folder: str) -> list[str]:
        return [f"{version:020}.json" for version in range(self.forgotten, len(self.commits))]

    def open(self, file: str) -> BytesIO:
        actions = self.commits[int(Path(file).stem)]
        return BytesIO("\n".join(json.dumps(action) for action in actions).encode())

    def missing(self, files: Sequence[str]) -> list[str]:
        return [file for file in files if file not in self.files]

    def parquet_rows(self, file: str) -> int:
        if self.files[file] < 0:
            raise ContractError(f"{file} cannot be read (it is cut)")
        return self.files[file]

    @property
    def version(self) -> int:
        return len(self.commits) - 1

    @property
    def log(self) -> DeltaLog:
        return DeltaLog("weights", self)

    def of_day(self, day: date) -> list[str]:
        return sorted(file for file in self.live if f"/dt={day}/" in file)

    def replace(self, day: date, rows: Sequence[int], *, changes: bool = True) -> int:
        """Replace the files of a day by others that hold so many rows each; return the version."""
        values = {"partitionValues": {"dt": day.isoformat()}, "dataChange": changes}
        gone = self.of_day(day)
        made = {f"weights/dt={day}/{len(self.commits)}-{n}.parquet": count for n, count in enumerate(rows)}
        self.files |= made
        self.live = (self.live - set(gone)) | set(made)
        paths = {kind: [file.removeprefix("weights/") for file in of] for kind, of in self._kinds(gone, made)}
        self.commits.append([{kind: {"path": path, **values}} for kind, of in paths.items() for path in of])
        return self.version

    @staticmethod
    def _kinds(gone: Sequence[str], made: Mapping[str, int]) -> list[tuple[str, Sequence[str]]]:
        return [("remove", gone), ("add", list(made))]

    def optimize(self, day: date) -> int:
        """Write the day's files as one."""
        return self.replace(day, [sum(self.files[file] for file in self.of_day(day))], changes=False)

    def vacuum(self) -> None:
        """Remove the files that the newest version does not have."""
        self.files = {file: rows for file, rows in self.files.items() if file in self.live}


@pytest.fixture
def table() -> Memory:
    """Two days, written in versions 1 and 2."""
    table = Memory()
    table.replace(DAY, [2, 3])
    table.replace(NEXT, [4])
    return table


PINNED = {DAY: 1, NEXT: 2}


def source_of(table: Memory, day: date) -> DaySource:
    return require_sources(table.log, {day: PINNED[day]})[0]


def test_days_that_nobody_changed_are_read_at_the_newest_version_together(table: Memory) -> None:
    sources = require_sources(table.log, PINNED)
    assert [(source.day, source.version) for source in sources] == [(DAY, 2), (NEXT, 2)]
    assert [len(source.files) for source in sources] == [2, 1]
    assert require_sources(table.log, {}) == []


def test_files_that_were_written_together_are_the_same_day(table: Memory) -> None:
    table.optimize(DAY)
    table.replace(NEXT, [9])
    table.vacuum()
    assert source_of(table, DAY) == DaySource(DAY, 4, ("weights/dt=2026-01-05/3-0.parquet",))


def test_a_day_that_was_changed_is_read_at_its_pinned_version(table: Memory) -> None:
    table.replace(DAY, [9])
    table.optimize(DAY)
    assert source_of(table, DAY).version == 1
    assert source_of(table, NEXT).version == 4


def test_once_its_files_are_gone_one_line_names_what_mends_it(table: Memory) -> None:
    table.replace(DAY, [9])
    table.vacuum()
    with pytest.raises(ContractError) as error:
        require_sources(table.log, PINNED)
    assert str(error.value) == (
        "table weights, day 2026-01-05, version 1: 2 files are gone from its storage, "
        "dt=2026-01-05/1-0.parquet, and later versions hold other rows of the day; "
        "run uae publish --date 2026-01-05 --rebuild (uae doctor names all such days)"
    )
    assert [source.day for source in find_sources(table.log, PINNED)[0]] == [NEXT]


def test_a_file_that_was_deleted_is_told(table: Memory) -> None:
    for day in (DAY, NEXT):
        del table.files[table.of_day(day)[0]]
    with pytest.raises(
        ContractError, match=r"1 file is gone .*dt=2026-01-05/1-0.parquet \(1 more days cannot be read"
    ):
        require_sources(table.log, PINNED)


def test_a_commit_that_names_no_day_may_have_changed_any(table: Memory) -> None:
    table.optimize(DAY)
    for action in table.commits[3]:
        (values,) = action.values()
        values["dataChange"] = True
        del values["partitionValues"]
    assert source_of(table, DAY).version == 1


def test_a_version_that_the_log_does_not_hold_any_more_is_told(table: Memory) -> None:
    table.forgotten = 2
    with pytest.raises(ContractError, match=r"version 1: its log does not tell any more what version 1 was"):
        source_of(table, DAY)
    with pytest.raises(ContractError, match=r"what version 7 was \(the newest is 2\)"):
        require_sources(table.log, {DAY: 7})


def test_damage_is_found_by_opening_the_files(table: Memory) -> None:
    rows = {DAY: 5, NEXT: 4}
    assert damaged_days(table.log, PINNED, rows) == {}
    assert damaged_days(table.log, PINNED, {DAY: 5}) == {}
    assert damaged_days(table.log, PINNED, {**rows, NEXT: 3}) == {
        NEXT: "its files hold 4 rows, 3 were published"
    }
    table.files[table.of_day(DAY)[1]] = -1
    assert "1-1.parquet cannot be read (it is cut)" in damaged_days(table.log, PINNED, rows)[DAY]


def test_a_parquet_file_that_is_cut_or_empty_is_damaged(tmp_path: Path) -> None:
    storage = DeltaLog(str(_written(tmp_path))).storage
    file = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"n": range(7)}), file)
    assert storage.parquet_rows(str(file)) == 7
    content = file.read_bytes()
    for damaged in (content[:-10], b"", b"PAR1"):
        file.write_bytes(damaged)
        with pytest.raises(ContractError, match=r"whole.parquet cannot be read \("):
            storage.parquet_rows(str(file))
    file.unlink()
    with pytest.raises(ContractError, match="cannot be read"):
        storage.parquet_rows(str(file))
    assert storage.missing([str(file), str(tmp_path)]) == [str(file)]


def _written(folder: Path) -> Path:
    log = folder / "weights" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text(json.dumps(PROTOCOL))
    return log.parent


DAYS = [DAY, NEXT, NEXT + timedelta(days=1)]
STEPS = st.lists(st.tuples(st.sampled_from(["publish", "optimize", "vacuum", "die"]), st.sampled_from(DAYS)))


@given(STEPS)
def test_published_days_keep_their_rows_through_any_maintenance(steps: list[tuple[str, date]]) -> None:
    """Steps are those of a lake: a publication, one that dies before its row, OPTIMIZE, VACUUM of any age."""
    table, pinned = Memory(), dict[date, int]()
    published: dict[date, int] = {}
    at_risk: set[date] = set()
    for number, (step, day) in enumerate(steps, start=1):
        if step == "publish":
            pinned[day], published[day] = table.replace(day, [number, 100]), number + 100
            at_risk.discard(day)
        elif step == "die":
            table.replace(day, [1000 + number])
            at_risk.add(day)
        elif step == "optimize":
            table.optimize(day)
        else:
            table.vacuum()
    sources, problems = find_sources(table.log, pinned)
    assert set(problems) <= at_risk  # only a copy that lacks its row, and then a vacuum, can cost a day
    for source in sources:
        assert sum(table.files[file] for file in source.files) == published[source.day]
    assert {source.day for source in sources} | set(problems) == set(pinned)
