"""A training that was killed goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.loop_builders import Checkpoints, Killed, Notes, networks, same
from tests.training_builders import train, training_job
from uae_model.snapshot.manifest import Manifest
from uae_model.training.job import TrainingJob, TrainingResult


class TestGoingOn:
    CHANGES = (("epochs", 3), ("checkpoint_steps", 4))
    CHECKPOINTS = 9
    """Nine batches an epoch: after 4, after 8, and at the end of each of three epochs."""

    @classmethod
    def job(cls, manifest: Manifest, folder: Path) -> TrainingJob:
        return training_job(manifest, folder, **dict(cls.CHANGES))

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls, manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
        return train(cls.job(manifest, tmp_path_factory.mktemp("checkpoints")))

    @pytest.mark.slow
    @pytest.mark.parametrize("kill_after", range(1, CHECKPOINTS + 1))
    def test_a_killed_run_goes_on_to_the_same_losses_and_networks(
        self,
        manifest: Manifest,
        whole: TrainingResult,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        kill_after: int,
    ) -> None:
        job = self.job(manifest, tmp_path / "checkpoints")
        killed, resumed = Checkpoints(kill_after=kill_after), Checkpoints()
        monkeypatch.setattr("uae_model.training.fit.save_tensors", killed.save)
        with pytest.raises(Killed):
            train(job)
        assert not (tmp_path / "checkpoints" / "networks.pt").exists()
        monkeypatch.setattr("uae_model.training.fit.save_tensors", resumed.save)
        result = train(job)
        assert killed.written + resumed.written == self.CHECKPOINTS  # it went on, it did not start again
        assert result.history == whole.history
        assert result.metrics == whole.metrics
        assert same(networks(result), networks(whole))

    @pytest.mark.slow
    @pytest.mark.parametrize("kill_after", [2, 4, 6])
    def test_a_run_killed_in_any_pass_of_an_epoch_goes_on(
        self, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_after: int
    ) -> None:
        changes = {"epochs": 1, "checkpoint_steps": 4, "alternate": "pass", "propensity_steps": 2}
        whole = train(training_job(manifest, tmp_path / "whole", **changes))
        job = training_job(manifest, tmp_path / "checkpoints", **changes)
        monkeypatch.setattr("uae_model.training.fit.save_tensors", Checkpoints(kill_after=kill_after).save)
        with pytest.raises(Killed):
            train(job)
        monkeypatch.setattr("uae_model.training.fit.save_tensors", Checkpoints().save)
        result = train(job)
        assert result.history == whole.history
        assert same(networks(result), networks(whole))

    def test_a_run_killed_between_checkpoints_repeats_the_steps_since(
        self,
        manifest: Manifest,
        whole: TrainingResult,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The power fails while a checkpoint is written: the one before it counts."""
        job = self.job(manifest, tmp_path)
        kept = Checkpoints()

        def fail_at_fifth(path: str, content: dict[str, Any]) -> None:
            if kept.written == 4:
                raise Killed
            kept.save(path, content)

        with monkeypatch.context() as patched:
            patched.setattr("uae_model.training.fit.save_tensors", fail_at_fifth)
            with pytest.raises(Killed):
                train(job)
        result = train(job)
        assert result.history == whole.history
        assert same(networks(result), networks(whole))

    def test_a_finished_run_is_not_trained_again(
        self, manifest: Manifest, whole: TrainingResult, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        again, notes = Checkpoints(), Notes()
        monkeypatch.setattr("uae_model.training.fit.save_tensors", again.save)
        result = train(self.job(manifest, Path(whole.networks_path).parent), notes)
        assert (again.written, notes.lines) == (0, [])
        assert result == whole

    def test_how_often_it_is_saved_changes_nothing(
        self, manifest: Manifest, whole: TrainingResult, tmp_path: Path
    ) -> None:
        result = train(training_job(manifest, tmp_path, epochs=3))
        assert result.history == whole.history
        assert same(networks(result), networks(whole))
