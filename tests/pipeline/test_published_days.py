"""A published day survives maintenance by anyone, deaths between commits, and damage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from tests.builders import DAY, GATHERED_WRITES
from tests.pipeline.building import FakeRegistry, accept
from tests.pipeline.published_days import (
    NEXT,
    maintain,
    opened,
    publish,
    score_by_a_constant,
    seen_by_all,
    stale,
    write_scores,
)
from uae_model.config import load_config
from uae_model.core.errors import ContractError, InputError, PublicationRefusedError
from uae_model.doctor import Status
from uae_model.doctor.data import check_published_files
from uae_model.lake import TableStore
from uae_model.pipeline import rebuild as rebuild_module
from uae_model.pipeline import side_scores
from uae_model.pipeline.rebuild import rebuild
from uae_model.pipeline.step import NOTHING_ACCEPTED, Acceptance
from uae_model.pipeline.steps import SCORES
from uae_model.pipeline.steps.publication import published_row
from uae_model.readers import (
    published_days,
    published_files,
    read_side_scores,
    read_weights,
    read_weights_arrow,
)
from uae_model.readers.spark_storage import HadoopStorage, log_of


class DeathError(Exception):
    """Stands for a kill."""


@pytest.fixture
def dies_before_publications(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let the process die when it is about to write ``publications``."""
    replace_day = TableStore.replace_day

    def replace_or_die(self: TableStore, name: str, *rest: Any, **options: Any) -> None:
        if name == "publications":
            raise DeathError
        replace_day(self, name, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(TableStore, "replace_day", replace_or_die)
        yield patch


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TableStore]:
    """Two published days of several files each; the tests go on from one another."""
    folder = tmp_path_factory.mktemp("published days")
    (folder / "uae.toml").touch()
    store = TableStore(spark, load_config(folder / "uae.toml"))
    spark.conf.set(GATHERED_WRITES, "false")  # otherwise OPTIMIZE would find nothing to do
    for day, weights in ((DAY, (0.3, 0.4, 0.5)), (NEXT, (0.6, 0.7, 0.8))):
        write_scores(store, day, *weights)
        publish(store, day)
    yield store
    spark.conf.unset(GATHERED_WRITES)


@pytest.fixture(autouse=True)
def scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    score_by_a_constant(monkeypatch)


class TestMaintenance:
    def test_rescored_compacted_and_vacuumed_the_published_rows_are_read(self, store: TableStore) -> None:
        write_scores(store, DAY, 0.91, 0.92, 0.93)  # not published
        before = published_files(store.config.paths.tables, published_days(store.config.paths.tables, DAY))
        maintain(store)
        assert not [file for file in before if Path(file).exists()]
        assert seen_by_all(store, DAY) == {0.3, 0.4, 0.5}
        assert seen_by_all(store, DAY, NEXT) == {0.3, 0.4, 0.5, 0.6, 0.7, 0.8}
        assert stale(store, NEXT) is None

    def test_table_weights_holds_what_is_published_and_nothing_else(self, store: TableStore) -> None:
        version = publish(store, DAY)
        maintain(store)
        assert seen_by_all(store, DAY, NEXT) == {0.91, 0.92, 0.93, 0.6, 0.7, 0.8}
        newest = store.read("weights").where("NOT is_active").collect()
        assert {row["sample_weight"] for row in newest} == {0.91, 0.92, 0.93, 0.6, 0.7, 0.8}
        state = store.states.accepted("weights", DAY)
        assert state is not None
        scored = store.states.version("scores", DAY)
        assert (state.version, state.inputs) == (version, {f"scores {DAY}": scored})

    def test_storage_that_only_hadoop_knows_is_read_alike(self, store: TableStore) -> None:
        table = store.path("weights")
        logs = [log_of(store.spark, table), log_of(store.spark, table)]
        logs[1].storage = HadoopStorage(store.spark)
        (local, remote) = ([(v, s.files()) for v, s in log.states({2, log.newest})] for log in logs)
        assert local == remote
        files = [*local[-1][1], f"{table}/dt={DAY}/gone.parquet"]
        for log in logs:
            assert log.storage.missing(files) == files[-1:]
            assert [log.storage.parquet_rows(file) for file in files[:-1]] == [6, 6]
            assert log.storage.names(f"{table}/nothing") == []
            with pytest.raises(ContractError, match=r"gone.parquet cannot be read \("):
                log.storage.parquet_rows(files[-1])

    def test_what_another_hand_did_to_weights_is_told_unseen_and_put_right(self, store: TableStore) -> None:
        DeltaTable.forPath(store.spark, store.path("weights")).delete(f"dt = DATE'{DAY}' AND position = 2")
        again = opened(store)
        assert seen_by_all(again, DAY) == {0.91, 0.92, 0.93}
        assert str(stale(again, DAY)).startswith(f"weights {DAY} was changed by another hand (DELETE), ver")
        publish(again, DAY)
        assert again.read("weights", [DAY]).count() == 6
        assert stale(opened(store), DAY) is None


class TestDeathBetweenTheCommits:
    def test_the_next_run_pins_the_copy_that_is_there(
        self, store: TableStore, dies_before_publications: pytest.MonkeyPatch
    ) -> None:
        store = opened(store)
        write_scores(store, DAY, 0.31, 0.41, 0.51)
        with pytest.raises(DeathError):
            publish(store, DAY)
        assert seen_by_all(store, DAY) == {0.91, 0.92, 0.93}
        copied = store.latest_version("weights")
        dies_before_publications.undo()
        again = opened(store)
        assert str(stale(again, DAY)).startswith(f"scores {DAY} changed, version ")
        assert publish(again, DAY) == copied == again.latest_version("weights")
        assert seen_by_all(again, DAY) == {0.31, 0.41, 0.51}
        assert again.states.accepted("weights", DAY)
        assert stale(opened(store), DAY) is None

    def test_a_vacuum_before_the_next_run_costs_the_day_until_that_run(
        self, store: TableStore, dies_before_publications: pytest.MonkeyPatch
    ) -> None:
        store = opened(store)
        write_scores(store, DAY, 0.32, 0.42, 0.52)
        with pytest.raises(DeathError):
            publish(store, DAY)
        maintain(store)
        dies_before_publications.undo()
        for read in (read_weights_arrow, lambda *of: read_weights(store.spark, *of)):
            with pytest.raises(
                ContractError, match=f"weights, day {DAY}, .* run uae publish --date {DAY} --r"
            ):
                read(store.config.paths.tables, DAY)
        assert seen_by_all(store, NEXT) == {0.6, 0.7, 0.8}
        again = opened(store)
        publish(again, DAY)
        assert seen_by_all(again, DAY) == {0.32, 0.42, 0.52}


class TestDamage:
    @pytest.fixture(autouse=True)
    def pinned(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rebuild_module, "PinnedRegistry", lambda config, version: FakeRegistry())

    def files(self, store: TableStore, table: str, day: date) -> list[Path]:
        log = log_of(store.spark, store.path(table))
        ((_, state),) = log.states({log.newest})
        return [Path(file) for file in state.of_folder(f"dt={day}")]

    def test_doctor_finds_a_removed_and_a_cut_file_and_a_rebuild_mends_them(self, store: TableStore) -> None:
        store = opened(store)
        assert check_published_files(store).status is Status.OK
        assert stale(store, DAY) is None
        self.files(store, "weights", DAY)[0].unlink()
        (cut,) = self.files(store, "weights", NEXT)
        cut.write_bytes(cut.read_bytes()[:-100])
        finding = check_published_files(store)
        assert finding.status is Status.FAILED
        assert finding.detail.startswith("2 of 2 published days cannot be read: 2026-01-05: 1 file is gone")
        assert f"2026-01-06: {cut} cannot be read (" in finding.detail
        assert str(stale(store, DAY)).startswith("what is published of it is damaged: 1 file is gone")
        with pytest.raises(ContractError, match=f"run uae publish --date {DAY} --rebuild"):
            read_weights(store.spark, store.config.paths.tables, DAY)

        for day in (DAY, NEXT):
            assert rebuild(store, day, NOTHING_ACCEPTED) == "scores"
        assert check_published_files(store).status is Status.OK
        assert seen_by_all(store, DAY, NEXT) == {0.32, 0.42, 0.52, 0.6, 0.7, 0.8}

    def test_scores_that_are_damaged_too_are_scored_again(self, store: TableStore) -> None:
        store = opened(store)
        for table in ("weights", "scores"):
            for file in self.files(store, table, DAY):
                file.unlink()
        assert stale(store, DAY, SCORES) is None  # no earlier day is scored by another model for that
        with pytest.raises(InputError, match=f"scores {DAY}: .* gone from its storage.* --rebuild"):
            publish(store, DAY)
        assert rebuild(store, DAY, NOTHING_ACCEPTED) == "plays, scored with attention model 1"
        assert seen_by_all(store, DAY) == {0.25}
        assert stale(opened(store), DAY) is None

    def test_scores_of_other_models_are_no_source(self, store: TableStore) -> None:
        store = opened(store)
        write_scores(store, NEXT, 0.1, 0.1, 0.1)
        accept(store, "scores", day=NEXT, models=[2, 2])
        assert rebuild(store, NEXT, NOTHING_ACCEPTED) == "plays, scored with attention model 1"
        assert seen_by_all(store, NEXT) == {0.25}

    def test_a_rebuild_goes_through_the_checks(self, store: TableStore) -> None:
        strict = store.config.publication.model_copy(update={"max_passive_weight_mean": 0.2})
        limited = TableStore(store.spark, store.config.model_copy(update={"publication": strict}))
        with pytest.raises(PublicationRefusedError, match=r"mean passive weight in \[0, 0.2\]: FAILED"):
            rebuild(limited, NEXT, NOTHING_ACCEPTED)
        assert seen_by_all(store, NEXT) == {0.25}

        # What a person overruled stays overruled, whether a person or a night mends the day.
        rebuild(limited, NEXT, Acceptance(("weight_limits",), "a holiday"))
        rebuild(limited, NEXT, NOTHING_ACCEPTED)
        self.files(limited, "weights", NEXT)[0].unlink()
        publish(limited, NEXT)
        row = published_row(limited, NEXT)
        assert (row["accepted_checks"], row["accepted_reason"]) == (["weight_limits"], "a holiday")
        assert seen_by_all(limited, NEXT) == {0.25}
        with pytest.raises(InputError, match="2026-02-01 is not published"):
            rebuild(store, date(2026, 2, 1), NOTHING_ACCEPTED)

    def test_without_table_weights_every_published_day_is_named(self, store: TableStore) -> None:
        weights = Path(store.path("weights"))
        weights.rename(weights.with_name("elsewhere"))
        finding = check_published_files(store)
        assert f"{DAY}: there is no table at " in finding.detail
        assert str(stale(opened(store), DAY)).startswith(
            "what is published of it is damaged: there is no tab"
        )
        weights.with_name("elsewhere").rename(weights)


def test_another_version_scores_a_day_beside_what_is_scored_and_published(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = SimpleNamespace(**{**vars(FakeRegistry().champion()), "attention_version": 7})
    registry = SimpleNamespace(champion=lambda: pair, recorded=lambda n: {})
    monkeypatch.setattr(side_scores, "PinnedRegistry", lambda config, version: registry)
    versions = {name: store.latest_version(name) for name in ("scores", "weights", "publications")}
    tables = store.config.paths.tables
    for _ in range(2):  # the second time replaces the first
        assert side_scores.score_beside(store, DAY, 7) == 6
    assert {name: store.latest_version(name) for name in versions} == versions
    beside = read_side_scores(store.spark, tables, DAY, model_version=7)
    assert (beside.count(), beside.columns) == (6, plays_and_scores(store))
    with pytest.raises(InputError, match=f"attention model 7 has not scored {NEXT}; run uae score"):
        read_side_scores(store.spark, tables, DAY, NEXT, model_version=7)
    with pytest.raises(InputError, match=f"attention model 8 has not scored {DAY}"):
        read_side_scores(store.spark, tables, DAY, model_version=8)


def plays_and_scores(store: TableStore) -> list[str]:
    return store.contract("weights").columns
