"""What a training process is told, its key, and the files of tensors."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from fsspec.implementations.local import LocalFileOpener, LocalFileSystem

from tests.training_builders import (
    BUCKETS,
    NETWORK,
    SHAPE,
    small_sessions,
    training_job,
    training_settings,
    write_snapshot_files,
)
from uae_model.config import FeatureSet
from uae_model.config.model_sections import TrainingSettings
from uae_model.models.networks import Inputs
from uae_model.snapshot.manifest import Manifest
from uae_model.training import job as module
from uae_model.training.job import (
    TrainingResult,
    load_tensors,
    network_shape,
    save_tensors,
    training_key,
)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("snapshot")
    return write_snapshot_files(folder, small_sessions([2, 3]), small_sessions([4], first=9))


class TestKey:
    def test_the_same_gives_the_same(self, manifest: Manifest) -> None:
        key = training_key(manifest, NETWORK, training_settings())
        assert key == training_key(manifest, NETWORK.model_copy(), training_settings())
        assert len(key) == 16

    @pytest.mark.parametrize(
        "change",
        [
            {"window_days": 6},
            {"validation_days": 2},
            {"epochs": 4},
            {"patience": 2},
            {"batch_plays": 49},
            {"learning_rate_attention": 2e-2},
            {"learning_rate_propensity": 2e-2},
            {"attention_steps": 2},
            {"propensity_steps": 1},
            {"clip_risk": False},
            {"clip_form": "ascent"},
            {"alternate": "pass"},
            {"keep_epoch": "last"},
            {"propensity_floor": 0.01},
            {"seed": 8},
            {"processes": 2},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_setting_that_matters_changes_it(self, manifest: Manifest, change: dict[str, Any]) -> None:
        settings = training_settings()
        assert getattr(settings, next(iter(change))) != next(iter(change.values()))
        assert training_key(manifest, NETWORK, training_settings(**change)) != training_key(
            manifest, NETWORK, settings
        )

    @pytest.mark.parametrize("change", [{"distributed": "cluster"}, {"checkpoint_steps": 5}])
    def test_where_it_runs_and_how_often_it_is_saved_do_not(
        self, manifest: Manifest, change: dict[str, Any]
    ) -> None:
        assert training_key(manifest, NETWORK, training_settings(**change)) == training_key(
            manifest, NETWORK, training_settings()
        )

    @pytest.mark.parametrize("change", [{"embedding": 4}, {"hidden": 5}, {"mlp": (16, 32)}])
    def test_the_network_changes_it(self, manifest: Manifest, change: dict[str, Any]) -> None:
        assert training_key(manifest, NETWORK.model_copy(update=change), training_settings()) != (
            training_key(manifest, NETWORK, training_settings())
        )

    def test_the_snapshot_changes_it_but_not_where_it_lies(self, manifest: Manifest) -> None:
        key = training_key(manifest, NETWORK, training_settings())
        other = dataclasses.replace(manifest, snapshot_id="plays-v4-test")
        moved = dataclasses.replace(manifest, root="s3a://bucket/snapshot")
        assert training_key(other, NETWORK, training_settings()) != key
        assert training_key(moved, NETWORK, training_settings()) == key

    def test_the_code_version_changes_it(self, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
        key = training_key(manifest, NETWORK, training_settings())
        monkeypatch.setattr(module, "__version__", "999")
        assert training_key(manifest, NETWORK, training_settings()) != key


def test_a_job_travels_with_its_settings(manifest: Manifest, tmp_path: Path) -> None:
    job = training_job(manifest, tmp_path, seed=3, learning_rate_attention=0.5)
    there = pickle.loads(pickle.dumps(job))  # noqa: S301  # TorchDistributor does so
    assert there == job
    assert there.training == training_settings(seed=3, learning_rate_attention=0.5)
    assert there.network == NETWORK


def test_a_result_travels_as_plain_values() -> None:
    result = TrainingResult(
        "networks.pt", {"validation_nll": 0.3}, [{"validation_nll": 0.3}], warnings=["collapsed"]
    )
    assert TrainingResult(**result.to_dict()) == result


def test_the_shape_follows_the_manifest_and_the_configured_sizes(manifest: Manifest) -> None:
    assert network_shape(manifest, NETWORK, TrainingSettings()) == dataclasses.replace(
        SHAPE,
        feedback_hidden=NETWORK.feedback_hidden,
        # The first numeric feature has the role context, the second preference, the categorical ones both.
        attention_inputs=Inputs((0, 1), (0,)),
        propensity_inputs=Inputs((0, 1), (1,)),
    )
    features = FeatureSet(manifest.features[2:3])
    bare = dataclasses.replace(manifest, features=features, numeric_mean=(), numeric_deviation=())
    shape = network_shape(bare, NETWORK, TrainingSettings())
    assert (shape.buckets, shape.numeric) == (BUCKETS[1:], 0)


class NotTensors:
    """What ``torch.load`` must refuse: unpickling it runs code."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.target,)


class TestTensors:
    def test_what_is_saved_is_loaded(self, tmp_path: Path) -> None:
        path = str(tmp_path / "new" / "folder" / "checkpoint.pt")
        weights, plain = torch.arange(6.0).view(2, 3), {"epoch": 3, "history": [{"nll": 0.25}], "best": {}}
        save_tensors(path, {"weights": weights, **plain})
        loaded = load_tensors(path)
        assert loaded is not None
        assert torch.equal(loaded.pop("weights"), weights)
        assert loaded == plain

    def test_nothing_is_there_before(self, tmp_path: Path) -> None:
        assert load_tensors(str(tmp_path / "checkpoint.pt")) is None

    def test_a_newer_file_replaces_the_older_one(self, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint.pt"
        for epoch in (1, 2):
            save_tensors(str(path), {"epoch": epoch})
        assert load_tensors(str(path)) == {"epoch": 2}
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("killed_at", ["write", "move"])
    def test_a_save_that_fails_leaves_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
    ) -> None:
        path = str(tmp_path / "checkpoint.pt")
        save_tensors(path, {"epoch": 1})

        def write_half(file: LocalFileOpener, content: bytes) -> int:
            file.f.write(content[: len(content) // 2])
            raise OSError("no space left on device")

        def stop(*_: Any, **__: Any) -> None:
            raise OSError("no connection")

        with monkeypatch.context() as patched:
            if killed_at == "write":
                patched.setattr(LocalFileOpener, "write", write_half)
            else:
                patched.setattr(LocalFileSystem, "mv", stop)
            with pytest.raises(OSError, match=r"^no "):
                save_tensors(path, {"epoch": 2})
        assert load_tensors(path) == {"epoch": 1}
        save_tensors(path, {"epoch": 3})  # what the failed try left is in nobody's way
        assert load_tensors(path) == {"epoch": 3}

    def test_pickled_code_is_refused(self, tmp_path: Path) -> None:
        path, trace = tmp_path / "checkpoint.pt", tmp_path / "ran"
        torch.save({"weights": NotTensors(trace)}, path)
        with pytest.raises(pickle.UnpicklingError):
            load_tensors(str(path))
        assert not trace.exists()
        torch.load(path, weights_only=False)
        assert trace.exists()  # it would have run
