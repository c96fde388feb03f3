"""The files of a registered model: whole, finite, and those that were registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training_builders import pair_for
from uae_model.config import Config
from uae_model.core.errors import ModelError
from uae_model.registry.artifacts import (
    DECLARATION,
    NETWORKS,
    folder_of_files,
    read_model_files,
    write_model_files,
)
from uae_model.training.job import save_tensors


@pytest.fixture
def state(config: Config) -> dict[str, Any]:
    return pair_for(config).to_state()


def test_what_was_written_is_read(state: dict[str, Any], tmp_path: Path) -> None:
    digest = write_model_files(tmp_path, state, {"features": [1]})
    files = read_model_files(tmp_path, "m/1", digest)
    assert (files.digest, files.declaration) == (digest, {"features": [1]})
    for network in ("attention", "propensity"):
        for name, value in state[network].items():
            assert torch.equal(files.state[network][name], value)


def test_the_same_content_has_the_same_digest(state: dict[str, Any], tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        digests.add(write_model_files(tmp_path / name, state, {}))
    assert len(digests) == 1


@pytest.mark.parametrize("file", [NETWORKS, DECLARATION])
def test_any_changed_byte_is_found(state: dict[str, Any], tmp_path: Path, file: str) -> None:
    digest = write_model_files(tmp_path, state, {"features": []})
    content = (tmp_path / file).read_bytes()
    for place in range(0, len(content), max(1, len(content) // 60)):
        (tmp_path / file).write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        for registered in (digest, None):  # the folder has its own digest, too
            with pytest.raises(ModelError, match=f"m/1: its files are not .* registered {digest[:12]}"):
                read_model_files(tmp_path, "m/1", registered)


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"m/1 has no networks\.pt and no declaration\.json; restore"):
        read_model_files(tmp_path, "m/1")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_neither_registered_nor_loaded(
    state: dict[str, Any], tmp_path: Path, number: float
) -> None:
    write_model_files(tmp_path, state, {})
    name = next(name for name, value in state["attention"].items() if value.is_floating_point())
    state["attention"][name].view(-1)[0] = number
    with pytest.raises(ModelError, match=f"the trained networks: parameter attention.{name} holds a number"):
        write_model_files(tmp_path, state, {})
    save_tensors(f"{tmp_path}/{NETWORKS}", state)
    (tmp_path / "digest").unlink()
    with pytest.raises(ModelError, match="m/1: parameter attention"):
        read_model_files(tmp_path, "m/1")


def test_versions_of_before_have_their_files_elsewhere(tmp_path: Path) -> None:
    assert folder_of_files(tmp_path) == tmp_path / "artifacts"
    (tmp_path / "data" / "files").mkdir(parents=True)
    assert folder_of_files(tmp_path) == tmp_path / "data" / "files"
