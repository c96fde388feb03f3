"""The files of a registered model: data alone, and known by a digest.

A version's digest is computed where it is registered and kept in the registry, in the files themselves and
with everything that the version scored. Whoever loads a version compares: a bit that flipped in a file, or
the networks of another registry under the same number, must never become weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from uae_model.core.digests import contents_digest
from uae_model.core.errors import ModelError
from uae_model.training.job import load_tensors, save_tensors

NETWORKS, DECLARATION = "networks.pt", "declaration.json"
"""What the digest is of; attention and propensity of one training have it in common."""

DIGEST = "digest"
FOLDER = "files"
"""The folder of the files; below the artifact's folder it is ``data/files``."""

FORMER_FOLDER = "artifacts"
"""Where versions without a digest have them."""


@dataclass(frozen=True)
class ModelFiles:
    """What the files of a version hold, and their digest (64 hexadecimal digits)."""

    state: dict[str, Any]
    declaration: dict[str, Any]
    digest: str


def write_model_files(folder: Path, state: dict[str, Any], declaration: Mapping[str, Any]) -> str:
    """Write the files of a version; return their digest.

    Raises:
        ModelError: if a parameter is no finite number.
    """
    _require_finite(state, "the trained networks")
    save_tensors(f"{folder}/{NETWORKS}", state)
    (folder / DECLARATION).write_text(json.dumps(declaration))
    digest = _digest(folder)
    (folder / DIGEST).write_text(digest)
    return digest


def read_model_files(folder: Path, name: str, registered: str | None = None) -> ModelFiles:
    """Read the files of a version.

    Args:
        folder: holds them.
        name: of the version, for errors.
        registered: the digest that the registry has; None for versions of before there were digests.

    Raises:
        ModelError: if a file is missing, is not what was registered, or holds no finite numbers.
    """
    missing = [file for file in (NETWORKS, DECLARATION) if not (folder / file).is_file()]
    if missing:
        raise ModelError(f"{name} has no {' and no '.join(missing)}; restore its artifacts, or train anew")
    digest = _digest(folder)
    written = folder / DIGEST
    known = {text for text in (registered, written.read_text() if written.is_file() else None) if text}
    if known - {digest}:
        raise ModelError(
            f"{name}: its files are not those that were registered (digest {digest[:12]}, registered "
            f"{' and '.join(sorted(text[:12] for text in known))}); restore its artifacts from a backup, or "
            "promote another version"
        )
    state = load_tensors(f"{folder}/{NETWORKS}")
    assert state is not None
    _require_finite(state, name)
    return ModelFiles(state, json.loads((folder / DECLARATION).read_text()), digest)


def folder_of_files(artifact: Path) -> Path:
    """Return the folder of a version's files below its downloaded artifact."""
    folder = artifact / "data" / FOLDER
    return folder if folder.is_dir() else artifact / FORMER_FOLDER


def _digest(folder: Path) -> str:
    return contents_digest((folder / file).read_bytes() for file in (NETWORKS, DECLARATION))


def _require_finite(state: Mapping[str, Any], name: str) -> None:
    for network in ("attention", "propensity"):
        for parameter, value in state[network].items():
            if torch.is_floating_point(value) and not bool(torch.isfinite(value).all()):
                raise ModelError(
                    f"{name}: parameter {network}.{parameter} holds a number that is not finite; "
                    "promote another version, or train anew with lower learning rates"
                )
