"""The snapshot that tests of the training loop train on."""

from __future__ import annotations

import pytest

from tests.training.loop_builders import telling_sessions
from tests.training_builders import write_snapshot_files
from uae_model.snapshot.manifest import Manifest


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    held_out = telling_sessions(30, seed=2, first=300)
    return write_snapshot_files(tmp_path_factory.mktemp("snapshot"), telling_sessions(60, seed=1), held_out)
