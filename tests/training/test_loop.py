"""Training from a job to its result: learning, repeating, accounting."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.loop_builders import Notes, networks, nlls, same
from tests.training_builders import (
    train,
    training_job,
    with_counts,
)
from uae_model.config import FeatureSet
from uae_model.core.errors import ContractError
from uae_model.core.logs import configure_logs
from uae_model.models.batch import SessionBatch
from uae_model.snapshot.loader import session_batches
from uae_model.snapshot.manifest import Manifest, SnapshotSplit
from uae_model.training.job import TrainingResult
from uae_model.training.loop import train_on_this_rank
from uae_model.training.rank_output import RankOutput


class TestLearning:
    @pytest.fixture(scope="class")
    @staticmethod
    def result(manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
        job = training_job(manifest, tmp_path_factory.mktemp("checkpoints"), epochs=8, patience=8)
        return train(job)

    def test_the_validation_loss_falls_well_below_the_base_rate(self, result: TrainingResult) -> None:
        assert len(result.history) == 8
        first, best = nlls(result)[0], result.metrics["validation_nll"]
        assert best < first - 0.05
        assert best < result.metrics["validation_base_rate_nll"] - 0.1

    def test_the_result_is_the_best_epoch(self, result: TrainingResult) -> None:
        best = int(np.argmin(nlls(result)))
        assert result.metrics["best_epoch"] == best
        assert result.metrics.items() >= result.history[best].items()
        assert "champion_validation_nll" not in result.metrics

    def test_every_epoch_has_read_the_validation_days_once(
        self, result: TrainingResult, manifest: Manifest
    ) -> None:
        split = manifest.validation
        counts = [(m["validation_sessions"], m["validation_plays"]) for m in result.history]
        assert counts == [(split.sessions, split.plays)] * 8
        rate = split.active_plays / split.plays
        entropy = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
        assert result.metrics["validation_base_rate_nll"] == pytest.approx(entropy)

    def test_it_has_nothing_to_warn_of(self, result: TrainingResult) -> None:
        assert result.warnings == []


def test_the_same_seed_gives_the_same_losses_and_another_one_others(
    manifest: Manifest, tmp_path: Path
) -> None:
    first, again, other = (
        train(training_job(manifest, tmp_path / str(run), epochs=2, seed=seed))
        for run, seed in enumerate((7, 7, 8))
    )
    assert again.history == first.history
    assert same(networks(again), networks(first))
    assert nlls(other)[0] != nlls(first)[0]


@pytest.mark.parametrize("seed", [429_191, 20_260_112])
def test_large_seeds_train_too(manifest: Manifest, tmp_path: Path, seed: int) -> None:
    assert len(nlls(train(training_job(manifest, tmp_path, epochs=1, seed=seed)))) == 1


def test_a_process_that_nobody_announced_seeds_itself(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    expected = train(training_job(manifest, tmp_path / "a", epochs=1))
    torch.manual_seed(12345)  # what came before must not matter
    result = TrainingResult(**train_on_this_rank(training_job(manifest, tmp_path / "b", epochs=1)))
    assert result.history == expected.history
    assert same(networks(result), networks(expected))


def test_a_process_of_torchruns_tells_its_epochs_to_the_one_that_started_it(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    few: dict[str, Any] = {"estimator": "chain", "stickiness": (0.4,)}
    try:
        train_on_this_rank(training_job(manifest, tmp_path, epochs=2, **few))
        train_on_this_rank(training_job(manifest, tmp_path, epochs=3, **few))
    finally:
        configure_logs(written="json")
    said = capsys.readouterr().err.splitlines()
    configure_logs("INFO", "json")
    with RankOutput() as output:  # as the process that started it reads them
        output.write("\n".join(said) + "\n")
    assert list(output.lines) == []
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (name, *_) = [event["candidate"] for event in events if "candidate" in event]
    told = [(event["event"], event["epoch"]) for event in events if event.get("candidate") == name]
    epochs = [("epoch finished", epoch) for epoch in range(3)]
    assert told == [*epochs[:2], ("training resumed", 2), *epochs[2:]]
    assert any(json.loads(line)["event"] == "progress" for line in said)


def test_a_snapshot_without_numeric_features(manifest: Manifest, tmp_path: Path) -> None:
    bare = dataclasses.replace(
        manifest,
        root=str(tmp_path / "bare"),
        features=FeatureSet(manifest.features.categorical),
        numeric_mean=(),
        numeric_deviation=(),
    )
    shutil.copytree(manifest.root, bare.root)
    bare.save()
    result = train(training_job(bare, tmp_path / "checkpoints", epochs=4, patience=4))
    assert result.metrics["validation_nll"] < result.metrics["validation_base_rate_nll"]


def test_each_epoch_is_reported_when_it_ends(manifest: Manifest, tmp_path: Path) -> None:
    notes = Notes()
    result = train(training_job(manifest, tmp_path, epochs=2), notes)
    assert [line for line in notes.lines if "validation_nll" in line[1]] == list(enumerate(result.history))


def test_training_metrics_are_means_over_the_steps_of_their_own_epoch(
    manifest: Manifest, tmp_path: Path
) -> None:
    """Networks that hardly move, and every epoch the same two batches (one of each length)."""
    rates = {"learning_rate_attention": 1e-12, "learning_rate_propensity": 1e-12}
    result = train(training_job(manifest, tmp_path, epochs=3, batch_plays=10_000, **rates))
    first, *others = ({n: v for n, v in m.items() if n.startswith("train_")} for m in result.history)
    assert first
    assert all(other == pytest.approx(first, rel=1e-4) for other in others)


def test_every_epoch_has_an_order_of_its_own(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, list[int]]] = []

    def noted(of: Manifest, split: SnapshotSplit, *args: Any, **options: Any) -> Iterator[SessionBatch]:
        order: list[int] = []
        read.append((split.name, order))
        for batch in session_batches(of, split, *args, **options):
            order += batch.categorical_BTF[:, 0, 0].tolist()
            yield batch

    monkeypatch.setattr("uae_model.training.fit.session_batches", noted)
    train(training_job(manifest, tmp_path, epochs=3))
    trained = [order for name, order in read if name == "train"]
    validated = [order for name, order in read if name == "validation"]
    # The first counts active plays; the last two look for evidence and calibrate the best epoch.
    assert (len(trained), len(validated)) == (3, 6)
    assert trained[0] != trained[1] != trained[2] != trained[0]
    assert all(order == validated[0] for order in validated)


def test_networks_that_take_turns_by_the_pass_read_the_window_once_a_pass(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []

    def noted(of: Manifest, split: SnapshotSplit, *args: Any, **options: Any) -> Iterator[SessionBatch]:
        if split.name == "train":
            seeds.append(options["seed"])
        yield from session_batches(of, split, *args, **options)

    monkeypatch.setattr("uae_model.training.fit.session_batches", noted)
    result = train(training_job(manifest, tmp_path, epochs=2, alternate="pass", propensity_steps=2))
    assert len(seeds) == len(set(seeds)) == 6  # a pass for the attention and two for the propensity
    assert {"train_attention_risk", "train_propensity_risk"} <= set(result.metrics)


class TestAccounting:
    def copy(self, manifest: Manifest, tmp_path: Path) -> Manifest:
        copied = dataclasses.replace(manifest, root=str(tmp_path / "snapshot"))
        shutil.copytree(manifest.root, copied.root)
        return copied

    @pytest.mark.parametrize(("name", "change"), [("sessions", 1), ("sessions", -1), ("plays", 5)])
    def test_a_snapshot_that_holds_other_rows_than_it_states_is_refused(
        self, manifest: Manifest, tmp_path: Path, name: str, change: int
    ) -> None:
        split = manifest.train
        wrong = with_counts(self.copy(manifest, tmp_path), **{name: getattr(split, name) + change})
        with pytest.raises(ContractError) as failure:
            train(training_job(wrong, tmp_path / "checkpoints"))
        assert str(failure.value) == (
            f"epoch 0, train: read {split.sessions} sessions and {split.plays} plays, the snapshot has "
            f"{wrong.train.sessions} and {wrong.train.plays}"
        )
        assert not (tmp_path / "checkpoints" / "networks.pt").exists()

    def test_so_are_wrong_validation_days(self, manifest: Manifest, tmp_path: Path) -> None:
        right = self.copy(manifest, tmp_path)
        split = dataclasses.replace(right.validation, plays=right.validation.plays + 1)
        dataclasses.replace(right, validation=split).save()
        with pytest.raises(ContractError, match="epoch 0, validation: read 30 sessions"):
            train(training_job(right, tmp_path / "checkpoints"))

    def test_a_row_group_that_nobody_lists_any_more(self, manifest: Manifest, tmp_path: Path) -> None:
        """A file that was lost from the manifest's list is missed, not passed over."""
        right = self.copy(manifest, tmp_path)
        dataclasses.replace(right, train=dataclasses.replace(right.train, files=right.train.files[1:])).save()
        with pytest.raises(ContractError, match="epoch 0, train: read"):
            train(training_job(right, tmp_path / "checkpoints"))

    def test_an_incomplete_snapshot(self, manifest: Manifest, tmp_path: Path) -> None:
        nowhere = dataclasses.replace(manifest, root=str(tmp_path / "nowhere"))
        with pytest.raises(ContractError, match=r"no completed snapshot at .*nowhere"):
            train(training_job(nowhere, tmp_path / "checkpoints"))
