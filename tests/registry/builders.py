"""A real registry with two registered trainings, and what plain torch says of some plays."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
from mlflow import MlflowClient

from tests.builders import DAY
from tests.training_builders import encode_plays, pair_for, play_rows
from uae_model.config import Config, load_config
from uae_model.registry.client import Registry
from uae_model.registry.tracking import tracked_by
from uae_model.snapshot.manifest import Manifest, SnapshotSplit
from uae_model.training.job import TrainingResult, save_tensors

ROWS = sorted(
    [*play_rows(DAY, 12), *play_rows(DAY, 3, longest=1, tag="single ")],
    key=lambda row: (row["session_id"], row["position"]),
)
METRICS = {"validation_nll": 0.251234567, "training_seconds": 1.23456789}


def manifest_of(config: Config) -> Manifest:
    def split(name: str, *days: str) -> SnapshotSplit:
        return SnapshotSplit(name, days, sessions=9, plays=70, active_plays=11, files=())

    width = len(config.features.numeric)
    return Manifest(
        snapshot_id="plays-v7-test",
        root="snapshots/plays-v7-test",
        table_version=7,
        features=config.features,
        numeric_mean=(0.0,) * width,
        numeric_deviation=(1.0,) * width,
        train=split("train", "2026-01-05", "2026-01-06"),
        validation=split("validation", "2026-01-07"),
    )


class Trained:
    """A registry with two registered trainings, ``one`` and ``two``, and the pairs that they gave."""

    def __init__(self, folder: Path) -> None:
        (folder / "uae.toml").touch()
        self.config = load_config(folder / "uae.toml")
        self.registry = Registry(self.config)
        self.manifest = manifest_of(self.config)
        self.client = MlflowClient(self.config.paths.mlflow)
        self.empty = SimpleNamespace(
            champion=self.registry.champion_versions(),
            registered=self.registry.registered("one"),
        )
        self.pairs, self.runs, self.versions = {}, {}, {}
        for seed, key in enumerate(("one", "two")):
            path = str(folder / key / "networks.pt")
            self.pairs[key] = pair_for(self.config, seed)
            save_tensors(path, self.pairs[key].to_state())
            self.results = TrainingResult(
                path, METRICS, estimator="chain", stickiness=0.7, candidates=[{"name": "chain-0.7"}]
            )
            self.runs[key] = self.registry.open_run(key, self.manifest, (DAY, date(2026, 1, 7)))
            self.versions[key] = self.register(key)

    def load_pyfunc(self, version: int) -> Any:
        with tracked_by(self.config.paths.mlflow):
            return mlflow.pyfunc.load_model(f"models:/uae-attention/{version}")

    def register(self, key: str) -> tuple[int, int]:
        return self.registry.register(
            key, self.runs[key], self.manifest, self.results, {"champion_version": ""}
        )


def expected(trained: Trained, key: str, output: str) -> Any:
    """Return what plain torch says of every play."""
    attention, propensity = encode_plays(trained.config, ROWS).predict(trained.pairs[key])
    return attention if output == "attention" else propensity
