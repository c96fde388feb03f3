"""Snapshots: sessions as rows, padded; the statistics; what is refused."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row, SparkSession

from tests.builders import DAY
from tests.features.test_columns import categorical, declared
from tests.training_builders import encode_plays, play_rows, plays_frame
from uae_model.config import load_config
from uae_model.config.sections import SnapshotSettings
from uae_model.core.errors import ContractError, InputError
from uae_model.lake import TableStore
from uae_model.snapshot import write as module
from uae_model.snapshot.manifest import Manifest, SnapshotFile, load_manifest
from uae_model.snapshot.write import numeric_statistics, pad, sessions_as_rows, write_snapshot

NEXT = DAY + timedelta(days=1)
CONFIG = load_config(None)
ROWS = [*play_rows(DAY, 10), *play_rows(DAY, 3, longest=1, tag="single ")]
WIDTHS = {
    "categorical": len(CONFIG.features.categorical),
    "numeric": len(CONFIG.features.numeric),
    "feedback": 1,
}


def by_session(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [r for r in rows if r["session_id"] == name] for name in {r["session_id"] for r in rows}}


def expected_arrays(rows: list[dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Return a session's flat arrays, step by step, encoded without Spark."""
    encoded = encode_plays(CONFIG, rows)
    return {
        "categorical": encoded.categorical.ravel(),
        "numeric": encoded.numeric.ravel(),
        "feedback": encoded.feedback,
    }


class TestRows:
    @pytest.fixture(scope="class")
    @staticmethod
    def sessions(spark: SparkSession) -> list[Row]:
        plays = plays_frame(spark, CONFIG, ROWS).repartition(3, "event_id")  # plays come in any order
        return pad(sessions_as_rows(plays, CONFIG), [4, 12], CONFIG).collect()

    def test_each_session_is_a_row_of_its_steps_in_play_order(self, sessions: list[Row]) -> None:
        expected = by_session(ROWS)
        assert {row["session_id"]: row["length"] for row in sessions} == {
            name: len(rows) for name, rows in expected.items()
        }
        assert 1 in {row["length"] for row in sessions}
        for row in sessions:
            for name, values in expected_arrays(expected[row["session_id"]]).items():
                steps = np.array(row[name][: row["length"] * WIDTHS[name]], dtype=np.float32)
                np.testing.assert_allclose(steps, values, rtol=1e-6)

    def test_padding_is_zeros_up_to_the_next_chosen_length(self, sessions: list[Row]) -> None:
        assert {row["padded_length"] for row in sessions} == {4, 12}
        for row in sessions:
            assert row["padded_length"] == (4 if row["length"] <= 4 else 12)
            for name, width in WIDTHS.items():
                assert len(row[name]) == row["padded_length"] * width
                assert not any(row[name][row["length"] * width :])

    def test_a_declaration_without_numbers_has_no_numeric_column(self, spark: SparkSession) -> None:
        config = declared(categorical("genre", 7))
        plays = plays_frame(spark, CONFIG, ROWS)
        padded = pad(sessions_as_rows(plays, config), [12], config)
        assert padded.columns == ["session_id", "length", "categorical", "feedback", "padded_length"]
        assert {len(row["categorical"]) for row in padded.collect()} == {12}
        assert numeric_statistics(plays, config) == ([], [])


def test_statistics_by_hand(spark: SparkSession) -> None:
    config = declared(
        categorical("genre", 7),
        {"name": "song_popularity", "kind": "numeric"},
        {"name": "gap_seconds", "kind": "numeric", "source": "session.gap_seconds", "transform": "log1p"},
        {"name": "genre_affinity", "kind": "numeric"},
        {"name": "play_rank", "kind": "numeric", "source": "session.position"},
    )
    values: dict[str, list[float | None]] = {
        "song_popularity": [1.0, None, 4.0, 7.0],  # the missing one does not count
        "gap_seconds": [0.0, math.e - 1, 0.0, math.e - 1],
        "genre_affinity": [None] * 4,
        "play_rank": [3, 3, 3, 3],
    }
    rows = [{**ROWS[0], **{name: column[index] for name, column in values.items()}} for index in range(4)]
    mean, deviation = numeric_statistics(plays_frame(spark, CONFIG, rows), config)
    assert mean == pytest.approx([4.0, 0.5, 0.0, 3.0])
    # 1, 4, 7 deviate by 3, 0, 3; always missing and constant features keep deviation 1
    assert deviation == pytest.approx([math.sqrt(6), 0.5, 1.0, 1.0])


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TableStore:
    """Two days of plays: many sessions to train on, seven to validate, one of them with a single play."""
    folder = tmp_path_factory.mktemp("snapshot")
    (folder / "uae.toml").touch()
    store = TableStore(spark, load_config(folder / "uae.toml"))
    for day, rows in days_of_rows().items():
        store.replace_day("plays", day, plays_frame(spark, CONFIG, rows), {"step": "test"})
    return store


def days_of_rows() -> dict[date, list[dict[str, Any]]]:
    return {
        DAY: play_rows(DAY, 60, longest=30),
        NEXT: [*play_rows(NEXT, 6), *play_rows(NEXT, 1, longest=1, tag="single ")],
    }


def with_config(store: TableStore, **changes: Any) -> TableStore:
    return TableStore(store.spark, store.config.model_copy(update=changes))


class TestSnapshot:
    @pytest.fixture(scope="class")
    @staticmethod
    def manifest(store: TableStore) -> Manifest:
        return write_snapshot(store, [DAY], [NEXT])

    def test_every_play_is_accounted_for(self, manifest: Manifest, store: TableStore) -> None:
        for split, rows in zip((manifest.train, manifest.validation), days_of_rows().values(), strict=True):
            assert split.sessions == len(by_session(rows))
            assert split.plays == len(rows)
            assert split.active_plays == sum(row["is_active"] for row in rows)
        assert manifest.table_version == store.latest_version("plays")
        assert manifest.features == store.config.features

    def test_the_files_hold_what_the_manifest_says(self, manifest: Manifest) -> None:
        for split, rows in zip((manifest.train, manifest.validation), days_of_rows().values(), strict=True):
            plays_of_session: Counter[str] = Counter()
            for file in split.files:
                table = pq.ParquetFile(f"{manifest.root}/{file.path}")
                counts = [table.metadata.row_group(i).num_rows for i in range(table.num_row_groups)]
                assert tuple(counts) == file.row_groups
                for row in table.read().to_pylist():
                    assert row["length"] <= file.padded_length == len(row["feedback"])
                    plays_of_session[row["session_id"]] += row["length"]
            assert plays_of_session == Counter(row["session_id"] for row in rows)

    def test_padding_stays_below_its_limit(self, manifest: Manifest, store: TableStore) -> None:
        limit = store.config.snapshot.min_fill
        for split in (manifest.train, manifest.validation):
            steps = sum(file.padded_length * sum(file.row_groups) for file in split.files)
            assert split.fill == split.plays / steps >= limit

    def test_row_groups_suffice_for_every_rank(self, manifest: Manifest) -> None:
        # Two processes: a quarter of each one's share of the 60 sessions, and no less than one session.
        for split, rows in ((manifest.train, 7), (manifest.validation, 1)):
            assert {size for file in split.files for size in file.row_groups[:-1]} <= {rows}
            assert max(size for file in split.files for size in file.row_groups) == rows

    def test_the_statistics_are_those_of_the_training_days(
        self, manifest: Manifest, store: TableStore
    ) -> None:
        mean, deviation = numeric_statistics(store.read("plays", [DAY]), store.config)
        assert manifest.numeric_mean == pytest.approx(mean)
        assert manifest.numeric_deviation == pytest.approx(deviation)
        assert manifest.numeric_mean != pytest.approx(
            numeric_statistics(store.read("plays", [NEXT]), store.config)[0]
        )

    def test_the_same_request_gives_the_same_snapshot(self, manifest: Manifest, store: TableStore) -> None:
        def written() -> dict[Path, int]:
            return {path: path.stat().st_mtime_ns for path in Path(manifest.root).rglob("*")}

        before, description = written(), Path(manifest.root) / "manifest.json"
        assert write_snapshot(store, [DAY], [NEXT]) == manifest == load_manifest(manifest.root)
        after = written()
        # No file was written again; the time of the manifest tells that somebody used the snapshot.
        assert after.pop(description) > before.pop(description)
        assert after == before

    def test_of_two_runs_at_once_the_later_takes_the_snapshot_of_the_earlier(
        self, store: TableStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        training = store.config.training.model_copy(update={"seed": 8})
        two = with_config(store, training=training)
        earlier: list[Manifest] = []

        def boundaries(*_: Any) -> tuple[tuple[float, ...], ...]:
            """Let another run write all of it while this one is at its work."""
            monkeypatch.undo()
            earlier.append(write_snapshot(two, [DAY], [NEXT]))
            return ()

        monkeypatch.setattr(module, "quantile_boundaries", boundaries)
        later = write_snapshot(two, [DAY], [NEXT])
        assert [later] == earlier
        assert len(sessions_in(later)) == later.train.sessions == 60
        assert sorted(path.name.partition("-")[0] for path in Path(later.root).iterdir()) == [
            *("files", "manifest.json")
        ]

    def test_sessions_may_be_drawn_from_all_days_and_short_ones_left_out(self, store: TableStore) -> None:
        settings = SnapshotSettings(split="sessions", shares=(2, 2, 1), min_session_plays=5)
        drawn = write_snapshot(with_config(store, snapshot=settings), [DAY], [NEXT])
        days = (DAY.isoformat(), NEXT.isoformat())
        assert drawn.train.days == drawn.validation.days == days
        rows = [row for day in days_of_rows().values() for row in day]
        long = {name for name, plays in by_session(rows).items() if len(plays) >= 5}
        parts = [
            {
                row["session_id"]
                for file in split.files
                for row in pq.read_table(f"{drawn.root}/{file.path}").to_pylist()
            }
            for split in (drawn.train, drawn.validation)
        ]
        assert all(parts)
        assert parts[0].isdisjoint(parts[1])
        assert parts[0] | parts[1] < long  # the rest are the test's
        assert parts[1] & set(by_session(days_of_rows()[DAY]))  # the draw knows no validation days

    def test_of_more_plays_than_wanted_users_are_drawn_with_all_their_sessions(
        self, manifest: Manifest, store: TableStore
    ) -> None:
        most = manifest.train.plays // 3
        few = write_snapshot(with_config(store, snapshot=SnapshotSettings(max_plays=most)), [DAY], [NEXT])
        users: dict[str, set[str]] = {}
        for row in (row for rows in days_of_rows().values() for row in rows):
            users.setdefault(row["user_id"], set()).add(row["session_id"])
        taken = set(sessions_in(few))
        of_day = set(by_session(days_of_rows()[DAY]))
        assert all(sessions & of_day <= taken or taken.isdisjoint(sessions) for sessions in users.values())
        assert 0 < few.train.plays < manifest.train.plays * 2 / 3
        same = sessions_in(manifest)
        assert sessions_in(few) == {name: same[name] for name in taken}

    def test_a_fuller_snapshot_has_more_lengths_and_a_place_of_its_own(
        self, manifest: Manifest, store: TableStore
    ) -> None:
        settings = SnapshotSettings(min_fill=1.0, row_group_sessions=2)
        full = write_snapshot(with_config(store, snapshot=settings), [DAY], [NEXT])
        assert full.root != manifest.root
        assert full.train.fill == full.validation.fill == 1.0
        lengths = {file.padded_length for file in full.train.files}
        assert lengths == set(Counter(r["session_id"] for r in days_of_rows()[DAY]).values())
        assert {file.padded_length for file in manifest.train.files} < lengths
        assert max(size for file in full.train.files for size in file.row_groups) == 2
        # A session's row is the same in both but for the padding.
        assert sessions_in(full) == sessions_in(manifest)


def sessions_in(manifest: Manifest) -> dict[str, list[float]]:
    table = pads.dataset([f"{manifest.root}/{file.path}" for file in manifest.train.files]).to_table()
    return {row["session_id"]: row["feedback"][: row["length"]] for row in table.to_pylist()}


class TestRefused:
    def test_days_without_sessions_are_named(self, store: TableStore) -> None:
        empty = NEXT + timedelta(days=1)
        with pytest.raises(InputError, match=r"train days 2026-01-07: 0 sessions in plays, fewer than .*= 2"):
            write_snapshot(store, [empty], [NEXT])

    def test_fewer_sessions_than_processes_are_too_few(self, store: TableStore) -> None:
        training = store.config.training.model_copy(update={"processes": 8})
        with pytest.raises(InputError, match=r"validation days 2026-01-06: 7 sessions in plays, .* = 8;"):
            write_snapshot(with_config(store, training=training), [DAY], [NEXT])
        # Nothing stays of what was written of the training days.
        folder = Path(store.config.paths.snapshots)
        unfinished = [root for root in folder.iterdir() if load_manifest(str(root)) is None]
        assert unfinished
        assert not [file for root in unfinished for file in root.iterdir()]

    def test_lost_sessions_are_an_error(self, store: TableStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "list_files", lambda root, name: (SnapshotFile("x.parquet", 4, (3, 2)),))
        seed = store.config.training.model_copy(update={"seed": 99})
        with pytest.raises(ContractError, match=r"train: 5 sessions written, 60 expected"):
            write_snapshot(with_config(store, training=seed), [DAY], [NEXT])
