"""A Delta log read by pyarrow alone: the same files as delta-rs finds, and one line where it cannot."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from uae_model.core.errors import ContractError, InputError
from uae_model.core.filesystems import open_files
from uae_model.readers import delta_log
from uae_model.readers.arrow import read_table_arrow
from uae_model.readers.delta_log import DeltaLog, files_of_version


def commit(table: Path, version: int, *actions: dict[str, Any]) -> None:
    """Write a commit by hand."""
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    (log / f"{version:020}.json").write_text("".join(f"{json.dumps(action)}\n" for action in actions))


PROTOCOL = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 3}}


def add(path: str) -> dict[str, Any]:
    return {"add": {"path": path, "dataChange": True}}


def remove(path: str) -> dict[str, Any]:
    return {"remove": {"path": path, "dataChange": True}}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a table of 14 versions, with two checkpoints; a space is in its path."""
    table = tmp_path_factory.mktemp("a table") / "weights"
    rng = random.Random(5)
    for version in range(14):
        rows = pa.table({"dt": rng.choices(["2026-01-05", "2026-01-06"], k=5), "n": list(range(5))})
        if rng.random() < 0.3:
            write_deltalake(str(table), rows, mode="overwrite", partition_by=["dt"])
        else:
            write_deltalake(str(table), rows, mode="append", partition_by=["dt"])
        if version in (4, 9):
            DeltaTable(str(table)).create_checkpoint()
    return table


def files_of_versions(table: Path, versions: Iterable[int]) -> dict[int, list[str]]:
    return {version: state.files() for version, state in DeltaLog(str(table)).states(set(versions))}


def names(files: list[str]) -> list[str]:
    return sorted(unquote(file).rsplit("weights/", 1)[1] for file in files)


class TestSameFilesAsDeltaRs:
    def test_in_every_version(self, grown: Path) -> None:
        every = files_of_versions(grown, range(14))
        for version in range(14):
            expected = names(DeltaTable(str(grown), version=version).file_uris())
            assert names(files_of_version(str(grown), version)) == expected
            assert names(every[version]) == expected
        assert files_of_version(f"{grown}/") == every[13]
        assert all(Path(file).is_file() for file in every[13])

    @pytest.mark.parametrize("long_way", [1, 3])
    def test_when_checkpoints_are_nearer_than_commits(
        self, grown: Path, long_way: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = files_of_versions(grown, {2, 6, 7, 13})
        monkeypatch.setattr(delta_log, "LONG_WAY", long_way)
        assert files_of_versions(grown, {2, 6, 7, 13}) == expected

    def test_when_only_the_checkpoint_is_left_of_the_beginning(self, grown: Path, tmp_path: Path) -> None:
        table = tmp_path / "weights"
        table.mkdir()
        (table / "_delta_log").mkdir()
        for file in (grown / "_delta_log").iterdir():
            if file.name[0] == "0" and int(file.name[:20]) >= 9 and file.name != f"{9:020}.json":
                (table / "_delta_log" / file.name).write_bytes(file.read_bytes())
        log = DeltaLog(str(table))
        assert [version for version in range(16) if log.has(version)] == [9, 10, 11, 12, 13]
        for version in (9, 10, 13):
            expected = names(DeltaTable(str(grown), version=version).file_uris())
            assert names(files_of_version(str(table), version)) == expected
        with pytest.raises(
            ContractError, match=r"weights has no version 8 \(the newest is 13\): it was never"
        ):
            files_of_version(str(table), 8)


class TestByHand:
    def test_what_is_removed_and_added_again_is_there_once(self, tmp_path: Path) -> None:
        commit(tmp_path, 0, {"commitInfo": {}}, PROTOCOL, {"metaData": {"id": "x"}}, add("a"), add("b%3A1"))
        commit(tmp_path, 1, remove("a"), {"txn": {"appId": "x", "version": 1}}, add("c"))
        commit(tmp_path, 2, add("a"), remove("never there"))
        files = files_of_versions(tmp_path, {0, 1, 2})
        assert {
            version: [file.removeprefix(f"{tmp_path}/") for file in files[version]] for version in files
        } == {
            0: ["a", "b:1"],
            1: ["b:1", "c"],
            2: ["a", "b:1", "c"],
        }

    def test_no_versions_are_no_files(self, tmp_path: Path) -> None:
        commit(tmp_path, 0, PROTOCOL)
        assert files_of_versions(tmp_path, ()) == {}
        assert files_of_version(str(tmp_path)) == []

    def test_half_a_checkpoint_is_not_read(self, tmp_path: Path) -> None:
        commit(tmp_path, 0, PROTOCOL, add("a"))
        commit(tmp_path, 1, add("b"))
        (tmp_path / "_delta_log" / f"{1:020}.checkpoint.{1:010}.{2:010}.parquet").touch()
        assert files_of_version(str(tmp_path)) == [f"{tmp_path}/a", f"{tmp_path}/b"]

    @pytest.mark.parametrize(
        ("protocol", "needs"),
        [
            ({"minReaderVersion": 2}, "version 2 with columnMapping"),
            (
                {"minReaderVersion": 3, "readerFeatures": ["deletionVectors", "timestampNtz"]},
                "deletionVectors;",
            ),
            ({"minReaderVersion": 4, "readerFeatures": []}, "version 4 with more"),
        ],
    )
    def test_what_it_cannot_read_is_told(self, tmp_path: Path, protocol: dict[str, Any], needs: str) -> None:
        commit(tmp_path, 0, {"protocol": protocol}, add("a"))
        with pytest.raises(ContractError, match=f"{needs}.*read it with Spark"):
            files_of_version(str(tmp_path))

    def test_harmless_features_are_read(self, tmp_path: Path) -> None:
        commit(
            tmp_path, 0, {"protocol": {"minReaderVersion": 3, "readerFeatures": ["timestampNtz"]}}, add("a")
        )
        assert files_of_version(str(tmp_path)) == [f"{tmp_path}/a"]

    def test_a_version_that_was_never_written(self, tmp_path: Path) -> None:
        commit(tmp_path, 0, PROTOCOL)
        with pytest.raises(ContractError, match=r"has no version 3 \(the newest is 0\)"):
            files_of_version(str(tmp_path), 3)

    @pytest.mark.parametrize("made", [False, True], ids=["no folder", "a folder without a log"])
    def test_no_table(self, tmp_path: Path, made: bool) -> None:
        folder = tmp_path / "weights"
        if made:
            folder.mkdir()
        with pytest.raises(ContractError, match=r"there is no Delta table at .*weights; no table lies at"):
            read_table_arrow(str(tmp_path), "weights")


def told(*infos: dict[str, Any] | None) -> Callable[[Path], DeltaLog]:
    """Return what writes a log whose commits tell this of themselves."""

    def written(table: Path) -> DeltaLog:
        for version, info in enumerate(infos):
            commit(table, version, *([] if info is None else [{"commitInfo": info}]), add(f"file-{version}"))
        return DeltaLog(str(table))

    return written


def second(number: float) -> datetime:
    return datetime.fromtimestamp(number, UTC)


class TestVersionAtAMoment:
    def test_by_the_times_that_commits_tell(self, tmp_path: Path) -> None:
        log = told({"timestamp": 1000}, {"timestamp": 2000}, {"timestamp": 3000})(tmp_path)
        assert [log.version_at(second(at)) for at in (1, 1.5, 2, 2.999, 3, 99)] == [0, 0, 1, 1, 2, 2]
        with pytest.raises(
            InputError, match=r"tells nothing of 1970-01-01T00:00:00.9.*begins at 1970-01-01T00:00:01"
        ):
            log.version_at(second(0.9))

    def test_no_later_commit_changes_what_has_passed(self, tmp_path: Path) -> None:
        """The clock of the third writer is slow: its version began no earlier than the one before it."""
        log = told({"timestamp": 1000}, {"timestamp": 5000}, {"timestamp": 2000}, {"timestamp": 6000})(
            tmp_path
        )
        assert [log.version_at(second(at)) for at in (2, 4, 5, 6)] == [0, 0, 2, 3]

    def test_delta_s_own_commit_time_wins(self, tmp_path: Path) -> None:
        log = told({"timestamp": 1000}, {"inCommitTimestamp": 4000, "timestamp": 2000})(tmp_path)
        assert [log.version_at(second(at)) for at in (3, 4)] == [0, 1]

    def test_a_commit_that_tells_no_time_belongs_to_the_one_before(self, tmp_path: Path) -> None:
        log = told(None, {"timestamp": 1000}, None, {"operation": "WRITE"}, {"timestamp": 2000})(tmp_path)
        assert [log.version_at(second(at)) for at in (0, 1, 2)] == [0, 3, 4]

    def test_where_only_checkpoints_are_left(self, grown: Path, tmp_path: Path) -> None:
        log = tmp_path / "_delta_log"
        log.mkdir()
        (log / f"{9:020}.checkpoint.parquet").write_bytes(
            (grown / "_delta_log" / f"{9:020}.checkpoint.parquet").read_bytes()
        )
        with pytest.raises(InputError, match="it has checkpoints alone"):
            DeltaLog(str(tmp_path)).version_at(second(1e9))

    def test_delta_rs_tells_the_same(self, grown: Path) -> None:
        log = DeltaLog(str(grown))
        committed = {entry["version"]: entry["timestamp"] for entry in DeltaTable(str(grown)).history()}
        for version, time in committed.items():
            same = [other for other in committed if committed[other] <= time]
            assert log.version_at(second(time / 1000)) == max(same) >= version


def test_a_table_may_be_named_by_a_uri(grown: Path) -> None:
    assert files_of_version(grown.as_uri()) == files_of_version(str(grown))
    table = read_table_arrow(grown.parent.as_uri(), "weights")
    assert table.num_rows == read_table_arrow(str(grown.parent), "weights").num_rows > 0


def test_files_of_a_storage_lie_in_one_file_system() -> None:
    assert open_files([]) == (None, [])
    filesystem, paths = open_files([f"mock://bucket/a table/dt=2026-01-05/{name}" for name in "ab"])
    assert filesystem is not None
    assert filesystem.type_name == "mock"
    assert paths == ["a table/dt=2026-01-05/a", "a table/dt=2026-01-05/b"]
