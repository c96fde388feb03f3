"""The registered models in a real MLflow registry: numbers, tags, versions, the champion."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from tests.builders import DAY
from tests.registry.builders import METRICS, ROWS, Trained, expected
from tests.training_builders import encode_plays
from tests.weights.test_choice import CHOICE
from uae_model.core.errors import ModelError
from uae_model.doctor.finding import Status
from uae_model.doctor.setup import check_registry
from uae_model.models.pair import NetworkPair
from uae_model.registry.artifacts import FOLDER
from uae_model.registry.client import ARTIFACT_DIGEST, Registry, require_same_features
from uae_model.registry.pinned import PinnedRegistry
from uae_model.registry.tracking import tracked_by
from uae_model.training.job import TrainingResult

pytestmark = pytest.mark.slow


class TestFiles:
    def test_requirements_name_packages_that_an_index_knows(self, trained: Trained) -> None:
        with tracked_by(trained.config.paths.mlflow):
            folder = mlflow.artifacts.download_artifacts("models:/uae-attention/1")
        lines = (Path(folder) / "requirements.txt").read_text().split()
        assert {line.partition("==")[0] for line in lines} == {"mlflow", "numpy", "pandas", "torch"}
        assert all("==" in line for line in lines)

    def test_code_put_beside_the_files_does_not_run(self, trained: Trained, tmp_path: Path) -> None:
        with tracked_by(trained.config.paths.mlflow):
            folder = Path(
                mlflow.artifacts.download_artifacts("models:/uae-attention/1", dst_path=str(tmp_path))
            )
        mark = tmp_path / "ran"
        for place in (folder, folder / "data", folder / "data" / FOLDER):
            for name in ("served_model.py", "pyfunc.py", "__init__.py"):
                (place / name).write_text(f"open({str(mark)!r}, 'w')\n")
        mlflow.pyfunc.load_model(str(folder))
        assert not mark.exists()

    def test_a_version_of_before_scores_and_is_told_apart(self, tmp_path: Path) -> None:
        """As models were registered by earlier releases: no digest, their files in another folder."""
        old = Trained(tmp_path)
        assert old.registry.has_digest(1)
        for name in ("uae-attention", "uae-propensity"):
            old.client.delete_model_version_tag(name, "1", ARTIFACT_DIGEST)
        for file in Path(old.config.paths.mlflow_artifacts).rglob("MLmodel"):
            (file.parent / "data" / FOLDER / "digest").unlink()
            shutil.move(file.parent / "data" / FOLDER, file.parent / "artifacts")
        assert not old.registry.has_digest(1)
        old.registry.set_champion(old.registry.version(1))
        scores = encode_plays(old.config, ROWS).predict(NetworkPair.from_state(old.registry.champion().state))
        np.testing.assert_array_equal(scores[0], expected(old, "one", "attention"))
        _, champion = check_registry(old.config)
        assert champion.status is Status.WARNING
        assert "registered before models had a digest" in str(champion)
        assert champion.fix == "register again: uae train"

        # Training again on the same days, with the same settings, registers again.
        assert old.registry.registered("one") is None
        assert old.register("one") == (3, 3)
        assert old.registry.registered("one") == (3, 3)

    def test_a_flipped_bit_is_found_wherever_the_model_is_loaded(self, tmp_path: Path) -> None:
        damaged = Trained(tmp_path)
        files = list(Path(damaged.config.paths.mlflow_artifacts).rglob("networks.pt"))
        assert len(files) == 4
        draw = np.random.default_rng(5)
        for file in files:
            content = bytearray(file.read_bytes())
            content[draw.integers(len(content))] ^= 1 << int(draw.integers(8))
            file.write_bytes(content)
        with pytest.raises(ModelError, match=r"models:/uae-propensity/1: its files are not those that were"):
            damaged.registry.load(1, 1)
        with pytest.raises(ModelError, match="its files are not those that were registered"):
            damaged.load_pyfunc(1)
        damaged.registry.set_champion(damaged.registry.version(1))
        _, champion = check_registry(damaged.config)
        assert champion.status is Status.FAILED

    def test_other_files_with_a_digest_of_their_own_are_found(self, tmp_path: Path) -> None:
        """A world's file over another's, digest and all: the registry knows better."""
        mixed = Trained(tmp_path)
        with tracked_by(mixed.config.paths.mlflow):
            one, two = (
                Path(mlflow.artifacts.download_artifacts(f"models:/uae-propensity/{number}"))
                for number in (1, 2)
            )
        for name in ("networks.pt", "digest"):
            shutil.copy(two / "data" / FOLDER / name, one / "data" / FOLDER / name)
        with pytest.raises(ModelError, match=r"models:/uae-propensity/1: its files are not"):
            mixed.registry.load(1, 1)

    def test_both_models_of_a_training_have_one_digest(self, trained: Trained) -> None:
        tags = [
            trained.client.get_model_version(f"uae-{output}", "1").tags
            for output in ("attention", "propensity")
        ]
        assert tags[0][ARTIFACT_DIGEST] == tags[1][ARTIFACT_DIGEST]
        assert tags[0][ARTIFACT_DIGEST] != trained.registry.version(2).tags[ARTIFACT_DIGEST]

    def test_a_registry_in_place_of_a_lost_one_says_so(self, tmp_path: Path) -> None:
        new = Trained(tmp_path)
        assert not new.registry.follows_lost
        new.registry.follow_lost()
        assert new.registry.follows_lost


class TestRegistering:
    def test_both_models_get_a_version_of_each_training(self, trained: Trained) -> None:
        assert trained.empty == SimpleNamespace(champion=None, registered=None)
        assert trained.versions == {"one": (1, 1), "two": (2, 2)}
        assert trained.registry.registered("one") == (1, 1)
        assert trained.registry.registered("two") == (2, 2)
        assert trained.registry.registered("three") is None
        assert trained.client.get_run(trained.runs["one"]).info.status == "FINISHED"

    def test_registering_again_keeps_the_versions(self, trained: Trained) -> None:
        assert trained.register("one") == (1, 1)
        assert len(trained.client.search_model_versions("name = 'uae-attention'")) == 2
        assert len(trained.client.search_model_versions("name = 'uae-propensity'")) == 2

    def test_a_resumed_training_goes_on_in_its_run(self, trained: Trained) -> None:
        again = trained.registry.open_run("one", trained.manifest, (DAY, DAY))
        assert again == trained.runs["one"] != trained.runs["two"]

    def test_a_run_records_what_it_depends_on(self, trained: Trained) -> None:
        run = trained.client.get_run(trained.runs["one"])
        assert run.info.run_name == "train-2026-01-07"
        assert run.data.tags["mlflow.note.content"] == trained.registry.version(1).description
        assert {"training_key": "one", "plays_delta_version": "7"}.items() <= run.data.tags.items()
        assert run.data.params["training.seed"] == "7"
        assert run.data.params["weights.gamma"] == "15.0"
        stored = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/config.json")
        assert stored == trained.config.canonical_json()

    def test_what_a_training_gave_is_read_from_its_run_and_its_version(self, trained: Trained) -> None:
        recorded = trained.registry.recorded(2)
        assert recorded["validation_nll"] == "0.251235"
        assert recorded["candidates"] == '[{"name": "chain-0.7"}]'
        assert recorded["training_plays"] == "70"
        assert (recorded["stickiness"], recorded["attention_features"]) == ("0.7", "all")
        assert recorded["propensity_version"] == "2"
        # Earlier releases recorded all of it with the version.
        trained.client.set_model_version_tag("uae-attention", "2", "stickiness", "0.9")
        assert trained.registry.recorded(2)["stickiness"] == "0.9"
        trained.client.delete_model_version_tag("uae-attention", "2", "stickiness")

    def test_gates_read_the_figures_of_the_run_with_all_their_digits(self, trained: Trained) -> None:
        candidate = trained.registry.candidate(trained.registry.version(2))
        assert candidate.loss == METRICS["validation_nll"]
        assert candidate.training_plays == 70
        assert candidate.compared_with is candidate.champion_loss is None
        recorded = trained.client.get_run(trained.runs["two"]).data.metrics
        assert recorded["chosen/training_seconds"] == METRICS["training_seconds"]

    def test_artifacts_lie_where_the_configuration_says(self, trained: Trained) -> None:
        experiment = trained.client.get_experiment_by_name("uae")
        assert experiment is not None
        assert experiment.artifact_location == Path(trained.config.paths.mlflow_artifacts).as_uri()

    def test_an_interrupted_try_is_completed(
        self, trained: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        config = trained.config.model_copy(
            update={
                "registry": trained.config.registry.model_copy(
                    update={"attention_model": "a", "propensity_model": "p"}
                )
            }
        )
        registry = Registry(config)
        run = registry.open_run("three", trained.manifest, (DAY, DAY))
        arguments: Any = ("three", run, trained.manifest, trained.results, {})
        log_model = mlflow.pyfunc.log_model

        def interrupted(name: str, **options: Any) -> Any:
            if name == "attention":
                raise KeyboardInterrupt
            return log_model(name=name, **options)

        with monkeypatch.context() as patch:
            patch.setattr(mlflow.pyfunc, "log_model", interrupted)
            with pytest.raises(KeyboardInterrupt):
                registry.register(*arguments)
        assert registry.registered("three") is None
        with pytest.raises(ModelError, match=r"a has no version in sqlite:.*; run uae train first"):
            registry.version()
        assert registry.register(*arguments) == (1, 1)
        assert registry.registered("three") == (1, 1)
        assert registry.version().tags["propensity_version"] == "1"

    def test_a_training_without_networks_is_an_error(self, trained: Trained, tmp_path: Path) -> None:
        result = TrainingResult(str(tmp_path / "networks.pt"), METRICS)
        with pytest.raises(ModelError, match=r"training left no networks at .*networks\.pt"):
            trained.registry.register("four", trained.runs["one"], trained.manifest, result, {})


class TestChampion:
    def test_the_story_of_the_alias(self, trained: Trained) -> None:
        registry = trained.registry
        with pytest.raises(ModelError, match=r"uae-attention has no champion in sqlite:.*; run uae train"):
            registry.champion()

        registry.set_champion(registry.version(1))
        assert registry.champion_versions() == (1, 1)
        assert int(trained.client.get_model_version_by_alias("uae-propensity", "champion").version) == 1
        with pytest.raises(ModelError, match="uae-attention had no champion before the current one"):
            registry.roll_back()

        registry.set_champion(registry.version())  # the newest
        registry.set_champion(registry.version(2))  # again: the one before stays remembered
        assert registry.champion_versions() == (2, 2)
        champion = registry.champion()
        assert (champion.attention_version, champion.propensity_version) == (2, 2)
        assert champion.last_day == date.fromisoformat(trained.manifest.validation.days[-1])
        self.assert_scores_like(trained, "two", champion.state)

        assert registry.roll_back() == 1
        assert registry.champion_versions() == (1, 1)
        with pytest.raises(ModelError, match="there is nothing further back"):
            registry.roll_back()
        assert int(trained.client.get_model_version_by_alias("uae-propensity", "champion").version) == 1
        self.assert_scores_like(trained, "one", registry.champion().state)

        fewer = trained.config.with_features(trained.config.features[:-1])
        with pytest.raises(ModelError, match=r"trained on other features \(differing: genre_affinity\)"):
            Registry(fewer).champion()

    def assert_scores_like(self, trained: Trained, key: str, state: dict[str, Any]) -> None:
        scores = encode_plays(trained.config, ROWS).predict(NetworkPair.from_state(state))
        np.testing.assert_array_equal(scores[0], expected(trained, key, "attention"))
        np.testing.assert_array_equal(scores[1], expected(trained, key, "propensity"))

    def test_the_registry_is_asked_whatever_server_the_process_knows(
        self, trained: Trained, tmp_path: Path
    ) -> None:
        with tracked_by(f"sqlite:///{tmp_path}/other.db"):
            assert trained.registry.load(1, 1).attention_version == 1
            assert trained.registry.candidate(trained.registry.version(1)).training_plays == 70
            assert trained.register("one") == (1, 1)

    def test_a_choice_stays_with_its_version_until_another_is_made(self, trained: Trained) -> None:
        registry = trained.registry
        assert registry.weight_choice(2) is None
        for name in ("linear", "scaled:0.2"):
            registry.record_weight_choice(2, replace(CHOICE, name=name))
        assert registry.weight_choice(2) == CHOICE
        assert registry.load(2, 2).weight_choice == CHOICE
        assert (registry.weight_choice(1), registry.load(1, 1).weight_choice) == (None, None)
        run = trained.client.get_run(trained.runs["two"])
        assert run.data.metrics["chosen/weight_gain"] == pytest.approx(0.03)

    def test_any_registered_pair_can_be_loaded(self, trained: Trained) -> None:
        loaded = trained.registry.load(1, 1)
        require_same_features(loaded.features, trained.config)
        self.assert_scores_like(trained, "one", loaded.state)

    def test_a_version_that_does_not_exist_is_named(self, trained: Trained) -> None:
        with pytest.raises(ModelError, match="uae-attention version 99: "):
            trained.registry.version(99)

    def test_a_failing_registry_is_not_taken_for_one_without_a_champion(
        self, trained: Trained, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*of: Any) -> None:
            raise MlflowException("the database is locked")

        monkeypatch.setattr(MlflowClient, "get_model_version_by_alias", fail)
        with pytest.raises(MlflowException, match="locked"):
            trained.registry.champion_versions()

    def test_the_history_of_a_version_is_that_of_its_run(self, trained: Trained) -> None:
        # The run of a training that an earlier release began has both names of a metric.
        for name, step, value in (
            ("validation/nll", 2, 0.3),
            ("validation_nll", 1, 0.4),
            ("validation/nll", 10, 0.2),
        ):
            trained.client.log_metric(trained.runs["two"], name, value, step=step)
        trained.client.log_metric(trained.runs["two"], "chain-0.7/validation_nll", 0.5, step=1)
        trained.client.log_metric(trained.runs["two"], "plays", 70, step=0)
        assert trained.registry.history(2) == {
            "validation_nll": [(1, 0.4), (2, 0.3), (10, 0.2)],
            "chain-0.7/validation_nll": [(1, 0.5)],
            "plays": [(0, 70.0)],
        }
        assert trained.registry.history(1) == {}


def test_a_pinned_registry_scores_with_one_version_whatever_was_promoted(trained: Trained) -> None:
    for key, versions in trained.versions.items():
        pinned = PinnedRegistry(trained.config, versions[0])
        assert pinned.champion_versions() == versions
        champion = pinned.champion()
        assert (champion.attention_version, champion.propensity_version) == versions
        for name, value in trained.pairs[key].to_state()["attention"].items():
            assert torch.equal(champion.state["attention"][name], value)
    with pytest.raises(ModelError, match="uae-attention version 9: "):
        PinnedRegistry(trained.config, 9).champion_versions()
