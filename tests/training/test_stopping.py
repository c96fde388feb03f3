"""Which epoch is kept and when training stops; the champion as its judge."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.training.loop_builders import nlls, telling_sessions
from tests.training_builders import (
    constant_feedback,
    small_sessions,
    train,
    training_job,
    write_snapshot_files,
)
from uae_model.core.errors import ModelError
from uae_model.snapshot.manifest import Manifest


class TestStopping:
    @pytest.fixture(scope="class")
    @staticmethod
    def misled(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
        """Return a snapshot whose validation days say the opposite: the more is learnt, the worse."""
        return write_snapshot_files(
            tmp_path_factory.mktemp("misled"),
            telling_sessions(60, seed=1),
            telling_sessions(20, seed=2, first=300, flipped=True),
        )

    def test_it_waits_as_many_epochs_as_it_has_patience(self, misled: Manifest, tmp_path: Path) -> None:
        hasty, patient = (
            train(training_job(misled, tmp_path / str(patience), epochs=12, patience=patience))
            for patience in (1, 3)
        )
        for result, patience in ((hasty, 1), (patient, 3)):
            best = int(result.metrics["best_epoch"])
            assert len(result.history) == best + 1 + patience < 12
            assert nlls(result)[best] == result.metrics["validation_nll"] == min(nlls(result))
        assert patient.history[: len(hasty.history)] == hasty.history

    def test_the_networks_are_those_of_the_best_epoch(self, misled: Manifest, tmp_path: Path) -> None:
        """The file is judged again as a champion: it has the best epoch's loss, not the last one's."""
        stopped = train(training_job(misled, tmp_path / "stopped", epochs=6, patience=2))
        assert nlls(stopped)[-1] > stopped.metrics["validation_nll"]
        job = training_job(misled, tmp_path / "judge", epochs=1)
        judge = train(dataclasses.replace(job, champion_path=stopped.networks_path))
        assert judge.metrics["champion_validation_nll"] == stopped.metrics["validation_nll"]

    def test_losses_that_are_no_numbers(self, manifest: Manifest, tmp_path: Path) -> None:
        rates = {"learning_rate_attention": 1e30, "learning_rate_propensity": 1e30}
        with pytest.raises(ModelError, match="epoch 0: the validation loss is nan; lower the learning rates"):
            train(training_job(manifest, tmp_path, **rates))


def test_the_last_epoch_can_be_kept_instead_of_the_best(manifest: Manifest, tmp_path: Path) -> None:
    # At this rate the loss rises again.
    rates = {"learning_rate_attention": 0.5, "learning_rate_propensity": 0.5, "learning_rate_decay": 1.0}
    rates |= {"patience": 9}
    best = train(training_job(manifest, tmp_path / "best", epochs=4, **rates))
    last = train(training_job(manifest, tmp_path / "last", epochs=4, keep_epoch="last", **rates))
    assert best.metrics["best_epoch"] < last.metrics["best_epoch"] == 3
    assert last.metrics["validation_nll"] == nlls(last)[-1] > min(nlls(last))


def test_a_collapsed_solution_is_warned_of(tmp_path: Path) -> None:
    """Where every play is active, attention and propensity both become 1."""
    lengths = [4, 8, 2] * 10
    manifest = write_snapshot_files(
        tmp_path / "snapshot",
        constant_feedback(small_sessions(lengths), 1.0),
        constant_feedback(small_sessions(lengths, first=100), 1.0),
    )
    rates = {"learning_rate_attention": 0.03, "learning_rate_propensity": 0.03}
    result = train(training_job(manifest, tmp_path / "checkpoints", epochs=3, **rates))
    assert result.metrics["validation_nll"] < 0.1
    assert result.metrics["validation_base_rate_nll"] == 0
    assert [message.split(" is ")[0] for message in result.warnings] == ["mean attention", "mean propensity"]


class TestChampion:
    def test_the_champion_is_judged_on_the_same_days(self, manifest: Manifest, tmp_path: Path) -> None:
        champion = train(training_job(manifest, tmp_path / "champion", epochs=3))
        job = training_job(manifest, tmp_path / "challenger", epochs=1, seed=8)
        challenger = train(dataclasses.replace(job, champion_path=champion.networks_path))
        assert challenger.metrics["champion_validation_nll"] == champion.metrics["validation_nll"]
        assert challenger.metrics["validation_nll"] != champion.metrics["validation_nll"]
        # ... and being compared changes nothing.
        alone = train(training_job(manifest, tmp_path / "alone", epochs=1, seed=8))
        assert alone.history == challenger.history

    def test_a_champion_that_is_gone_is_named(self, manifest: Manifest, tmp_path: Path) -> None:
        job = training_job(manifest, tmp_path / "checkpoints", epochs=1)
        gone = str(tmp_path / "champion.pt")
        with pytest.raises(ModelError, match=f"the champion's networks are gone from {gone}"):
            train(dataclasses.replace(job, champion_path=gone))
