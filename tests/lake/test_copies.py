"""A day's files are taken into another table as they are, by one commit of Delta's own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from delta.exceptions.captured import ConcurrentAppendException
from delta.tables import DeltaTable

from tests.builders import DAY
from tests.lake.test_store import frame_of
from uae_model.core.errors import ContractError
from uae_model.lake import TableStore, Unit, commits, copies
from uae_model.lake.copies import copy_day
from uae_model.lake.maintenance import vacuum_everything

NEXT = DAY + timedelta(days=1)


def write(store: TableStore, name: str, day: date, songs: Iterable[str], *, files: int = 2) -> int:
    """Write a day with a play of each song, into so many files; return the table's version."""
    rows = [{"dt": day, "song_id": song} for song in songs]
    frame = frame_of(store, name, rows).repartition(files)
    # Many rows are left in the files of their tasks.
    store.replace_day(name, day, frame, {"step": "test"}, about_rows=1_000_000)
    return store.latest_version(name)


def songs(store: TableStore, name: str, day: date) -> list[str]:
    return sorted(row["song_id"] for row in store.read(name, [day]).collect())


def files(store: TableStore, name: str, day: date) -> list[Path]:
    return sorted((Path(store.path(name)) / f"dt={day}").glob("*.parquet"))


def copied(store: TableStore, version: int, day: date = DAY, **metadata: Any) -> bool:
    return copy_day(store, "scores", "weights", day, version, metadata)


def test_a_day_is_the_same_files_and_its_neighbour_stays(store: TableStore) -> None:
    write(store, "weights", DAY, ["old"])
    write(store, "weights", NEXT, ["neighbour"])
    version = write(store, "scores", DAY, ["a", "b", "c"])
    assert copied(store, version, unit=["weights", str(DAY), ""], inputs={"scores": version}, counts={"n": 1})
    assert songs(store, "weights", DAY) == ["a", "b", "c"]
    assert songs(store, "weights", NEXT) == ["neighbour"]
    scores = {file.read_bytes() for file in files(store, "scores", DAY)}
    assert len(scores) > 1
    assert scores < {file.read_bytes() for file in files(store, "weights", DAY)}
    state = store.states.get(Unit("weights", DAY))
    assert state is not None
    assert (state.version, state.inputs) == (store.latest_version("weights"), {"scores": version})
    assert state.counts == {"n": 1, "rows": 3}
    assert songs(TableStore(store.spark, store.config), "weights", DAY) == ["a", "b", "c"]


def test_the_version_that_is_named_is_taken_again_and_again(store: TableStore) -> None:
    first = write(store, "scores", DAY, ["a"])
    write(store, "scores", DAY, ["b"])
    assert copied(store, first)
    assert copied(store, first)  # by new names: those of the first copy wait for their vacuum
    assert songs(store, "weights", DAY) == ["a"]
    vacuum_everything(store, "weights")
    assert songs(store, "weights", DAY) == ["a"]


def test_a_day_without_rows_empties_that_of_the_other_table(store: TableStore) -> None:
    write(store, "weights", DAY, ["old"])
    version = write(store, "scores", DAY, [])
    assert copied(store, version)
    assert songs(store, "weights", DAY) == []


def test_files_with_deleted_rows_or_too_many_bytes_are_not_taken(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = write(store, "scores", DAY, ["a", "b"], files=1)
    with monkeypatch.context() as patch:
        patch.setattr(copies, "MOST_BYTES", 1)
        assert not copied(store, version)
    store.set_properties("scores", {"delta.enableDeletionVectors": "true"})
    DeltaTable.forPath(store.spark, store.path("scores")).delete("song_id = 'a'")
    assert songs(store, "scores", DAY) == ["b"]
    assert not copied(store, store.latest_version("scores"))
    assert songs(store, "weights", DAY) == []


def test_a_file_that_is_gone_is_named_and_nothing_is_committed(store: TableStore) -> None:
    before = write(store, "weights", DAY, ["old"])
    version = write(store, "scores", DAY, ["a"], files=1)
    (file,) = files(store, "scores", DAY)
    file.unlink()
    with pytest.raises(ContractError, match=rf"{file.name} cannot be copied to .*weights"):
        copied(store, version)
    assert store.latest_version("weights") == before


def test_a_writer_of_the_same_day_meanwhile_is_told_and_one_of_another_day_is_not(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, "weights", DAY, ["old"])
    version = write(store, "scores", DAY, ["a"], files=1)
    action = commits.as_action
    for day, is_refused in ((NEXT, False), (DAY, True)):
        other = TableStore(store.spark.newSession(), store.config)

        def meanwhile(*of: Any, day: date = day, other: TableStore = other) -> Any:
            write(other, "weights", day, ["of the other"])
            return action(*of)

        monkeypatch.setattr(commits, "as_action", meanwhile)
        if is_refused:
            with pytest.raises(ConcurrentAppendException, match=str(DAY)):
                copied(store, version)
        else:
            assert copied(store, version)
            assert songs(store, "weights", NEXT) == ["of the other"]
            assert songs(store, "weights", DAY) == ["a"]
    assert songs(store, "weights", DAY) == ["of the other"]
