"""What the tests of the training loop share."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.training_builders import SmallSession, small_sessions
from uae_model.training.job import TrainingResult, load_tensors, save_tensors


def telling_sessions(count: int, *, seed: int, first: int = 1, flipped: bool = False) -> list[SmallSession]:
    """Return sessions whose activity the second feature tells nine times out of ten (flipped: mistells)."""
    random = np.random.default_rng(seed)
    sessions = small_sessions(random.integers(1, 9, size=count).tolist(), seed=seed, first=first)
    told = []
    for session in sessions:
        likely = (session.categorical_TF[:, 1] >= 4) != flipped
        active = likely ^ (random.random(session.length) < 0.1)
        told.append(dataclasses.replace(session, feedback_T=active.astype(np.float32)))
    return told


def nlls(result: TrainingResult) -> list[float]:
    return [metrics["validation_nll"] for metrics in result.history]


def same(first: Any, second: Any) -> bool:
    """Tell whether two trees of tensors and plain values are equal to the last bit."""
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    return bool(first == second)


def networks(result: TrainingResult) -> dict[str, Any]:
    content = load_tensors(result.networks_path)
    assert content
    return content


class Killed(BaseException):
    """Ends a training where a signal would."""


class Checkpoints:
    """Counts the checkpoints that are written; may keep a copy of each, or kill the run after one."""

    def __init__(self, *, copies: Path | None = None, kill_after: int = 0) -> None:
        self.copies = copies
        self.kill_after = kill_after
        self.written = 0

    def save(self, path: str, content: dict[str, Any]) -> None:
        save_tensors(path, content)
        if Path(path).name != "uae.pt":
            return
        self.written += 1
        if self.copies is not None:
            self.copies.mkdir(exist_ok=True)
            shutil.copy(path, self.copies / f"{self.written}.pt")
        if self.written == self.kill_after:
            raise Killed


class Notes:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, dict[str, float]]] = []

    def report(self, metrics: dict[str, float], step: int) -> None:
        self.lines.append((step, metrics))
